"""What is said of files or options that cannot be used: one sentence, with the nearest name where a name is unknown."""

import difflib
from collections.abc import Iterable


class Refused(ValueError):
    """Files or options that cannot be used; the message is for the user as it stands."""


def listed(names: Iterable[str], most: int = 8) -> str:
    """Return `a, b, c`, shortened to `most` names and how many more there are."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def unknown(option: str, name: str, known: Iterable[str], what: str, like: str = "") -> Refused:
    """Return the refusal of a name that is none of `known`, with those near it (`like` it); `what` they are."""
    known = list(known)
    lower = {each.lower(): each for each in known}
    near = [lower[each] for each in difflib.get_close_matches((like or name).lower(), list(lower), n=3, cutoff=0.6)]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return Refused(f"{option} must name {what}: {listed(known, 12) or 'there is none'}; got {name!r}.{hint}")


def counted(number: int, thing: str) -> str:
    """Return `1 run`, `2 runs`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
