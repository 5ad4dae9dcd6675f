"""JSON values <-> one text each, and objects that carry a seal over their own contents."""

import hashlib
import json
from typing import Any

from runner.store.files import Corrupt

LARGEST_JSON = 2**26  # bytes; run.json and study.json have kilobytes


def canonical_json(value: Any) -> str:
    """Return the one JSON text of `value`: keys sorted, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def seal(contents: dict[str, Any]) -> str:
    """Return the sha256 of a JSON file's other contents, so that a flipped bit in it shows."""
    return sha256(canonical_json(contents).encode())


def sha256(content: bytes) -> str:
    """Return the hex digits."""
    return hashlib.sha256(content).hexdigest()


def parse_json(name: str, content: bytes) -> tuple[dict[str, Any], str]:
    """Return the object that a JSON file holds and the sha256 of its canonical JSON, a seal in it left out.

    Corrupt where it is none, is nested too deep, or holds NaN or an infinity, which are no JSON.
    """
    try:
        value = json.loads(content, parse_constant=_refuse_constant)
        if not isinstance(value, dict):
            raise ValueError("no object")
        return value, seal({key: each for key, each in value.items() if key != "seal"})
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{name} cannot be read ({type(error).__name__}: {error})") from None


def _refuse_constant(word: str) -> None:
    """Raise for NaN and the infinities, which the store never writes into JSON."""
    raise ValueError(f"{word} is no JSON")
