"""The arguments of a command on a results folder -> the folder, words and flag; a mistake is one sentence."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DEFAULTS = Path(__file__).resolve().parents[1] / "conf" / "config.yaml"


@dataclass(frozen=True)
class Arguments:
    """What a command asks for."""

    results_dir: str
    words: tuple[str, ...]
    flag: bool


def parse(command: str, arguments: Sequence[str], flag: str = "", known: Sequence[str] = ()) -> Arguments:
    """Return what `python -m runner <command>` is asked for; ValueError, one sentence, for any other argument.

    `known` are the words that it takes beside `results_dir=PATH` and the flag.
    """
    options = [f"[{word}]" for word in ("results_dir=PATH", *known, flag) if word]
    usage = " ".join(["python -m runner", command, *options])
    results_dir, words, flagged = "", [], False
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if key == "results_dir" and value and not results_dir:
            results_dir = value
        elif argument == flag:
            flagged = True
        elif argument in known:
            words.append(argument)
        elif key == "results_dir":
            raise ValueError(f"results_dir must be given once, with a folder; got {argument!r}. Write {usage}.")
        else:
            raise ValueError(f"{key if equals else argument} is no key of {command}. Write {usage}.")
    results_dir = os.path.expanduser(results_dir or _default_folder())
    if not Path(results_dir).is_dir():
        raise ValueError(f"results_dir must be a folder that exists; got {results_dir!r}. Write {usage}.")
    return Arguments(results_dir, tuple(words), flagged)


def _default_folder() -> str:
    """Return the results folder that runner/conf/config.yaml gives."""
    from omegaconf import OmegaConf

    return OmegaConf.load(_DEFAULTS).results_dir
