"""What the user says of files that say too little: options of `python -m analysis import`, texts and values."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.foreign.refusal import Refused
from runner.metrics import BETTER
from runner.store import RESERVED

NO_SEED = "none"  # of `--seed`: replicates are numbered
NAME_LENGTH = 80
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Options:
    """How files are to be understood; what is left at its default is found."""

    name: str = ""  # of the study; "": made of its factors
    seed: str = ""  # the seed's column; NO_SEED: replicates are numbered
    factors: tuple[str, ...] = ()
    baseline: Mapping[str, str] = field(default_factory=dict)  # factor -> level
    better: Mapping[str, str] = field(default_factory=dict)  # metric -> one of BETTER
    sesoi: Mapping[str, float] = field(default_factory=dict)  # metric -> smallest effect of interest, as stored
    primary: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)  # column -> the value that runs must have
    at: int | str = ""  # "": the last epoch, equal in all; "last": each run's own; a number: after so many epochs
    pair: str = ""  # "seed": runs with one seed are a block


def read_options(
    *, sesoi: str = "", at: str = "", factors: str = "", primary: str = "", pair: str = "", **texts: str
) -> Options:
    """Return the options from the texts of a command line; Refused, one sentence, where one is not what it must be.

    `texts` are `name`, `seed`, and the pairs `baseline`, `better`, `where`, written `a=1,b=2`.
    """
    plain: dict[str, Any] = {key: texts.pop(key) for key in ("name", "seed") if key in texts}
    pairs: dict[str, Any] = {
        key: _pairs(key, texts.pop(key)) for key in ("baseline", "better", "where") if key in texts
    }
    if texts:
        raise TypeError(f"read_options has no option {', '.join(texts)}")
    return checked(
        Options(
            **plain,
            **pairs,
            factors=_names(factors),
            primary=_names(primary),
            sesoi={key: _number(key, value) for key, value in _pairs("sesoi", sesoi).items()},
            at=_look(at),
            pair=pair,
        )
    )


def checked(options: Options) -> Options:
    """Return the options; Refused where a value is none that the option has."""
    for metric, better in options.better.items():
        if better not in BETTER:
            raise Refused(f"--better {metric} must be one of {', '.join(BETTER)}; got {better!r}.")
    for metric, size in options.sesoi.items():
        if not (math.isfinite(size) and size > 0):
            raise Refused(f"--sesoi {metric} must be a number above 0, as stored in the files; got {size}.")
    if options.pair not in ("", "seed"):
        raise Refused(f"--pair must be seed, or be left out; got {options.pair!r}.")
    if not (options.at in ("", "last") or (isinstance(options.at, int) and options.at >= 1)):
        raise Refused(f"--at must be last or epoch=<number from 1>; got {options.at!r}.")
    name = options.name
    if name and (not _NAME.fullmatch(name) or len(name) > NAME_LENGTH or name.lower() in RESERVED):
        raise Refused(
            f"--name must be a folder name of at most {NAME_LENGTH} letters, digits, '.', '_' and '-', "
            f"not starting with '.' or '-' and none of {', '.join(RESERVED)}; got {name[:120]!r}."
        )
    return options


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _pairs(option: str, text: str) -> dict[str, str]:
    """Return `a=1,b=2` as a dict; a value may hold `=`."""
    pairs = [part.partition("=") for part in _names(text)]
    for key, sign, value in pairs:
        if not (key.strip() and sign and value.strip()):
            raise Refused(f"--{option} must be written name=value,name=value; got {text!r}.")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Refused(f"--sesoi {key} must be a number above 0, as stored in the files; got {text!r}.") from None


def _look(text: str) -> int | str:
    number = re.fullmatch(r"epoch=(\d{1,9})", text.strip())
    return int(number[1]) if number else text.strip()
