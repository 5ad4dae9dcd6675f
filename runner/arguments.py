"""The words of a command as people type them -> as Hydra reads them; what cannot be meant so is refused."""

import re
from collections import Counter
from collections.abc import Sequence

from runner.errors import BadInput
from runner.settings import did_you_mean, nearest

VALUED = ("--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd", "--package", "-p", "--cfg", "-c")
SHORT = {"-r": "--run", "-m": "--multirun", "-c": "--cfg", "-i": "--info", "-sc": "--shell-completion"}
MODES = (*SHORT, *SHORT.values())
FLAGS = (*VALUED, *MODES, "--resolve", "--hydra-help", "--experimental-rerun")
INFO = ("--info", "-i")
INFOS = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


def for_hydra(arguments: Sequence[str]) -> list[str]:
    """Return the words as Hydra reads them; BadInput where a flag lacks its value or a key is written twice."""
    flags, others = apart(arguments)
    check_known(flags)
    if "--hydra-help" in flags:
        return ["--hydra-help"]
    modes = {SHORT.get(flag, flag): flag for flag in flags if flag in MODES}
    if len(modes) > 1:
        raise BadInput(f"{' and '.join(modes.values())} ask for different things. Leave one of them out.")
    check_once(others)
    return [*flags, *map(of_home, map(of_one_value, map(of_any_metric, others)))]


def apart(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the flags, each with its value behind it, and the other words: Hydra reads no flag behind a key=value."""
    left = list(arguments)
    flags: list[str] = []
    others: list[str] = []
    while left:
        word = left.pop(0)
        (flags if word.startswith("-") else others).append(word)
        if word in VALUED:
            if not left or left[0].startswith("-") or "=" in left[0]:
                raise BadInput(f"{word} must be followed by its value; got {left[0] if left else 'nothing'}.")
            flags.append(left.pop(0))
        elif word in INFO and left and left[0] in INFOS:
            flags.append(left.pop(0))
    return flags, others


def check_known(flags: Sequence[str]) -> None:
    """Raise BadInput for a flag that there is not; a value may stand behind a flag or, after =, in it."""
    values = {place + 1 for place, flag in enumerate(flags) if flag in (*VALUED, *INFO)}
    for place, flag in enumerate(flags):
        name = flag.partition("=")[0]
        if place not in values and name not in FLAGS:
            raise BadInput(
                f"{name} is no option of this program.{did_you_mean(nearest(name, [*FLAGS, '--help', '--version']))} "
                "Options are -m, --help, --version and those of --hydra-help; all else is key=value."
            )


def check_once(words: Sequence[str]) -> None:
    """Raise BadInput where a key is written twice; a shell makes that of braces."""
    keys = [word.partition("=")[0].lstrip("+~") for word in words]
    for key, times in Counter(keys).items():
        if times > 1:
            written = [word for word, each in zip(words, keys, strict=True) if each == key]
            values = ",".join(word.partition("=")[2] for word in written)
            levels = values if re.search(r"[\[\](){}'\"]", values) else ",".join(dict.fromkeys(values.split(",")))
            raise BadInput(
                f"{key} must be written once; got {' '.join(written)}. Write {key}={levels} for several levels "
                "(a shell takes braces apart)."
            )


def of_any_metric(word: str) -> str:
    """Return what is said of a single metric as Hydra adds a key: no list knows all metrics."""
    return f"++{word}" if word.startswith(("analysis.better.", "analysis.sesoi.")) else word


def of_home(word: str) -> str:
    """Return paths of the home folder, `dataset.path=~/mnist.npz,~/other.npz`, in the quotes that Hydra wants of ~."""
    key, equals, value = word.partition("=")
    return key + equals + re.sub(r"(?:(?<=^)|(?<=,))~/[^,'\"\[\]{}()]*", lambda found: f"'{found[0]}'", value)


def of_one_value(word: str) -> str:
    """Return `until=a,b` as the one list that it is, and not two levels of a factor."""
    return f"until=[{word[6:]}]" if re.fullmatch(r"until=\w+(,\w+)+", word) else word
