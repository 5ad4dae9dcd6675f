"""A declaration -> the factors that change nothing, and the design without them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from analysis.reading.study import Design


def inert_factors(declaration: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (factor, where), where = "" for everywhere: a factor that is inert at all others' levels is."""
    found: dict[str, list[str]] = {}
    for each in declaration.get("inert", []):
        found.setdefault(each["factor"], []).append(each["where"])
    return [
        (factor, where)
        for factor, places in found.items()
        for where in ([""] if "" in places or set(places) >= _comparable(declaration, factor) else places)
    ]


def _comparable(declaration: Mapping[str, Any], factor: str) -> set[str]:
    """Return the conditions under which the study has the factor at more than one level."""
    conditions = Counter(
        ", ".join(f"{key}={level}" for key, level in cell["levels"].items() if key != factor)
        for cell in declaration.get("cells", [])
    )
    return {condition for condition, cells in conditions.items() if cells > 1} or {""}


def inert_everywhere(declaration: Mapping[str, Any]) -> set[str]:
    """Return the factors whose levels are one and the same run everywhere."""
    return {factor for factor, where in inert_factors(declaration) if not where}


def without_inert(design: Design, declaration: Mapping[str, Any]) -> Design:
    """Return the design without the factors that change nothing."""
    inert = inert_everywhere(declaration)
    return replace(design, factors={key: levels for key, levels in design.factors.items() if key not in inert})
