"""Lists, counts and signs -> words."""

from collections.abc import Sequence

SEEDS_LISTED = 12


def listed(words: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def few(labels: Sequence[str], most: int = 3) -> str:
    """Return the labels in a row, those beyond `most` as a count, but a single one beyond it as it is."""
    if len(labels) <= 2:
        return " and ".join(labels)
    if len(labels) <= most + 1:
        return f"{'; '.join(labels[:-1])}; and {labels[-1]}"
    return f"{'; '.join(labels[:most])}; and {len(labels) - most} other cells"


def count(number: int, noun: str) -> str:
    """Return `1 run`, `2 runs`, `1,000 runs`."""
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """Return the noun, with an s unless there is one."""
    return noun if number == 1 else f"{noun}s"


def seed_names(seeds: Sequence[int]) -> str:
    """Return `seed 3`, or `seeds 1, 2 and 5`, the rest of very many as a count."""
    shown = [str(seed) for seed in seeds[:SEEDS_LISTED]]
    more = len(seeds) - len(shown)
    return f"{plural(len(seeds), 'seed')} " + listed([*shown, *([f"{more} more"] if more else [])])


def seed_range(seeds: Sequence[int]) -> str:
    """Return `0 to 4` for whole stretches of seeds, else the seeds one by one."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def reason(broken: dict[str, list[str]]) -> str:
    """Return `diverged at a=1; missing at a=2 and a=3` from the cells by status, as `left_out` has them."""
    return "; ".join(f"{status} at {few(cells)}" for status, cells in broken.items())


def capital(text: str) -> str:
    """Return the text with its first letter large; the others stay as they are."""
    return text[:1].upper() + text[1:]
