"""A command's overrides, composed by Hydra, -> a checked plan: every cell with every seed."""

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.arms import Arms, read_arms, read_reported
from runner.contents import Contents
from runner.errors import BadInput
from runner.plan import Cell, Declared, Plan, assignments, is_answered, make_plan
from runner.recipe import Recipe
from runner.refusals import sentence
from runner.settings import (
    MAX_SEED,
    PLAIN_KEYS,
    STUDY_KEYS,
    Settings,
    StudySettings,
    check_keys,
    check_whole,
    run_settings,
    study_settings,
)
from runner.store import Store, canonical_json

SeedsOf = Callable[[str], Iterable[int]]  # a cell's label -> its seeds


def last_written(loader: Any, params: dict[str, str], arguments: list[str]) -> list[Override]:
    """Return the parsed overrides: default axes first; of each key the last writing, in an axis's first place."""
    parser = OverridesParser.create(config_loader=loader)
    written = [f"{key}={value}" for key, value in params.items()]
    last: dict[str, Override] = {}
    for override in parser.parse_overrides([*written, *arguments]):
        if override.is_sweep_override() and not override.is_discrete_sweep():
            raise BadInput(f"{override.key_or_group} must list its levels; got {override.input_line!r}. Write key=a,b.")
        if override.is_sweep_override() and getattr(override.value(), "shuffle", False):
            raise BadInput(
                f"{override.key_or_group} must list its levels in an order that stays; got {override.input_line!r}."
            )
        key = override.get_key_element()
        if key in last and not last[key].is_sweep_override():
            del last[key]  # a factor stands where it was written as one
        last[key] = override
    return list(last.values())


def plain_config(config: DictConfig) -> dict[str, Any]:
    """Return a composed configuration without Hydra's own part, as plain containers."""
    kept = {key: value for key, value in config.items_ex(resolve=False) if key != "hydra"}
    return OmegaConf.to_container(OmegaConf.create(kept), resolve=True)  # type: ignore[return-value]


class Composer:
    """Composes a study's cells: through Hydra once for each choice that shapes the configuration, by hand for the rest.

    An axis is plain where it sets one value that no other value refers to; such a value is converted
    as Hydra does it, once, and then put in place, so that ten thousand runs need few compositions.
    """

    def __init__(self, loader: Any, config: DictConfig, overrides: list[Override], recipe: Recipe) -> None:
        self.loader, self.config, self.recipe = loader, config, recipe
        self.plain_keys = {*PLAIN_KEYS, *recipe.plain_keys}
        self.seeds_of: SeedsOf | None = None
        self.fixed = [str(each.input_line) for each in overrides if not each.is_sweep_override()]
        self.axes = {
            each.get_key_element(): dict(zip(each.sweep_string_iterator(), plain_levels(each), strict=True))
            for each in overrides
            if each.is_sweep_override()
        }
        self.groups = {key for key in self.axes if loader.get_group_options(key)}
        self.bases: dict[tuple[str, ...], dict[str, Any]] = {}
        self.scratch: dict[tuple[str, ...], DictConfig] = {}
        self.values: dict[tuple[tuple[str, ...], str, str], Any] = {}
        self.referenced: set[str] = set()
        self.check_axes()
        for key in self.groups:  # so that what any of their files refers to is known before a value is put in place
            for level in self.axes[key]:
                self.base(self.chosen(self.first() | {key: level}))
        self.base(self.chosen(self.first()))

    def chosen(self, levels: dict[str, str]) -> tuple[str, ...]:
        """Return the choices of files among the levels, as overrides."""
        return tuple(f"{key}={level}" for key, level in levels.items() if key in self.groups)

    def check_axes(self) -> None:
        """Raise BadInput for an axis without levels, or over a key that says how the study is run."""
        for key, levels in self.axes.items():
            if key.lstrip("+").split(".")[0].split("/")[0] in (*STUDY_KEYS, "study"):
                raise BadInput(
                    f"{key} must have one value in a study, since it is no part of a run; got {len(levels)}."
                )
            if not levels:
                raise BadInput(f"{key} must have at least one level; got none.")

    def study_settings(self) -> StudySettings:
        """Return how the study is run, checked."""
        first = self.compose(self.first())
        check_keys(first, self.recipe)
        return study_settings(first)

    def first(self) -> dict[str, str]:
        """Return the first level of every axis."""
        return {key: next(iter(levels)) for key, levels in self.axes.items()}

    def plan(self, design: str, store: Store, contents: Contents, seeds: SeedsOf | None = None) -> Plan:
        """Return the study's plan: every cell checked with every seed, or with those that `seeds` gives."""
        self.seeds_of = seeds
        composed = self.compose(self.first())
        arms = read_arms(composed)
        plan = self.grid(design, store, contents) if arms is None else self.arms_plan(design, arms, contents)
        labels = {cell.label if arms is None else cell.levels["arm"]: cell.label for cell in plan.cells}
        plan.reported = read_reported(composed["reported"], labels)
        return plan

    def grid(self, design: str, store: Store, contents: Contents) -> Plan:
        """Return the plan over the swept factors; of leave-one-out or add-one with the other where that is recorded."""
        factors = {key: self.labels(key) for key in self.axes if key != "seed"}
        levels = {key.lstrip("+"): tuple(labels.values()) for key, labels in factors.items()}
        plan = make_plan(levels, design, self.declared(factors, design), contents)
        if plan.has_other_end():
            reversed_factors = {key: dict(reversed(labels.items())) for key, labels in factors.items()}
            other = make_plan(levels, design, self.declared(reversed_factors, design), contents)
            plan.other_end = other if is_answered(other, plan, store) else None
        return plan

    def arms_plan(self, design: str, arms: Arms, contents: Contents) -> Plan:
        """Return the plan over a study file's arms; BadInput where factors are swept beside them."""
        for key, levels in self.axes.items():
            if key != "seed":
                raise BadInput(
                    f"{key} must have one value in a study with arms, which form no grid; got {', '.join(levels)}. "
                    "Write its levels as arms, or leave the arms out with arms=null."
                )
        if design != "factorial":
            raise BadInput(f"design must be left out in a study with arms; got {design!r}.")
        plan = make_plan({"arm": tuple(arms.overrides)}, "arms", self.declared_arms(arms.overrides), contents)
        plan.comparisons = arms.comparisons
        return plan

    def declared_arms(self, arms: dict[str, tuple[str, ...]]) -> Iterator[Declared]:
        """Yield every run of the arms; an arm's own overrides stand behind the command's, so they win."""
        for name, overrides in arms.items():
            settings = self.arm_settings(name, overrides)
            for seed in self.seeds(Cell({"arm": name})):
                yield Declared(Cell({"arm": name}), replace(settings, seed=seed))

    def arm_settings(self, name: str, overrides: tuple[str, ...]) -> Settings:
        """Return the checked settings of one arm; BadInput that names the arm where it cannot be run."""
        from runner.settings import BadInput, run_settings

        try:
            check_arm_overrides(OverridesParser.create(config_loader=self.loader).parse_overrides(list(overrides)))
            return run_settings(self.base(overrides), self.recipe)
        except BadInput as error:
            reason = str(error)
        except (HydraException, OmegaConfBaseException) as error:
            reason = sentence(error)
        raise BadInput(f"arms.{name} cannot be run: {reason}")

    def labels(self, key: str) -> dict[str, str]:
        """Return {level as written: its label}, levels that mean the same only once, the baseline first."""
        found: dict[str, str] = {}
        for level in self.axes[key]:
            label = level if key in self.groups else label_of(select(self.compose(self.first() | {key: level}), key))
            if label not in found.values():
                found[level] = label
        return found

    def declared(self, factors: dict[str, dict[str, str]], design: str) -> Iterator[Declared]:
        """Yield every run that the command asks for, cell by cell and seed by seed."""
        axes = {key: list(labels) for key, labels in factors.items()}
        for cell in assignments(axes, design):
            levels = {key.lstrip("+"): factors[key][level] for key, level in cell.items()}
            settings = run_settings(self.compose(cell), self.recipe)
            for seed in self.seeds(Cell(levels)):
                yield Declared(Cell(levels), replace(settings, seed=seed))

    def seeds(self, cell: Cell) -> list[int]:
        """Return the cell's seeds, each once and checked."""
        if self.seeds_of is not None:
            return list(self.seeds_of(cell.label))
        values = [self.compose(self.first() | {"seed": level})["seed"] for level in self.axes.get("seed", [])]
        if "seed" not in self.axes:
            values = [self.compose(self.first())["seed"]]
        for value in values:
            check_whole("seed", value, 0, MAX_SEED)
        return list(dict.fromkeys(values))

    def compose(self, levels: dict[str, str]) -> dict[str, Any]:
        """Return the configuration with these levels as plain containers."""
        shaping = tuple(f"{key}={level}" for key, level in levels.items() if not self.is_plain(key))
        composed = self.base(shaping)
        for key, level in levels.items():
            if self.is_plain(key):
                composed = put(composed, key.split("."), self.value(shaping, key, level))
        return composed

    def base(self, shaping: tuple[str, ...]) -> dict[str, Any]:
        """Return Hydra's composition with the overrides that shape it, each combination composed once."""
        if shaping not in self.bases:
            composed = self.loader.load_sweep_config(self.config, [*self.fixed, *shaping])
            kept = {key: value for key, value in composed.items_ex(resolve=False) if key != "hydra"}
            text = OmegaConf.to_yaml(OmegaConf.create(kept), resolve=False)
            self.referenced.update(re.findall(r"\$\{([^}]+)\}", text))
            self.bases[shaping] = plain_config(composed)
            self.scratch[shaping] = composed
        return self.bases[shaping]

    def value(self, shaping: tuple[str, ...], key: str, level: str) -> Any:
        """Return the level as the value that the schema makes of it, converted once; the scratch copy takes it in."""
        place = (shaping, key, level)
        if place not in self.values:
            OmegaConf.update(self.scratch[shaping], key, self.axes[key][level], merge=True)
            value = OmegaConf.select(self.scratch[shaping], key)
            self.values[place] = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        return self.values[place]

    def is_plain(self, key: str) -> bool:
        """Tell whether the key sets one value of the schema that no other value refers to."""
        return key in self.plain_keys and key not in self.referenced


def check_arm_overrides(overrides: list[Override]) -> None:
    """Raise BadInput where an arm's overrides give a key several values, or set what one arm cannot have alone."""
    for each in overrides:
        if each.is_sweep_override():
            raise BadInput(f"{each.key_or_group} must have one value in an arm; got {each.input_line!r}.")
        if each.key_or_group.split(".")[0].split("/")[0] in (*STUDY_KEYS, "study", "seed"):
            raise BadInput(f"{each.key_or_group} must be set for the whole study, not for one arm.")


def plain_levels(override: Override) -> list[Any]:
    """Return a sweep's levels as Python values."""
    return [Override._convert_value(level) for level in override.sweep_iterator()]


def select(composed: dict[str, Any], key: str) -> Any:
    """Return the value at a dotted key."""
    value: Any = composed
    for part in key.lstrip("+").split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def put(composed: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """Return the containers with another value at the path; only what lies on the path is copied."""
    changed = copy.copy(composed)
    changed[path[0]] = value if len(path) == 1 else put(composed[path[0]], path[1:], value)
    return changed


def label_of(value: Any) -> str:
    """Return a level's label: one for every spelling of the value."""
    if isinstance(value, str):
        return value
    try:
        return canonical_json(value)
    except ValueError:  # nan, or an infinity, which is equal to no level and no number to train with
        raise BadInput(f"A level must be a number that can be trained with; got {value!r}. Leave it out.") from None
