"""What a recipe's data are by content: a digest a distinct configuration of `data`, made once and kept in the store.

The digest is part of a run's identity, so that a changed file that `data` reads makes another run. To make it, `data`
is run in a process of its own; the result is kept with the files that Python opened meanwhile, and believed as long as
those are as they were. What TensorFlow itself reads is not seen by Python: data of tf.data are made anew each time.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runner.errors import BadInput
from runner.settings import Settings
from runner.store import Store, canonical_json
from runner.store.sealed import sha256


class Contents:
    """The digests of the data of runs."""

    def __init__(self, store: Store) -> None:
        """What is learned is kept in the store, where that may be changed."""
        self.store = store
        self._known: dict[str, str] = {}

    def learn(self, runs: Iterable[Settings]) -> None:
        """Find the digest of every distinct data of the runs; BadInput where data cannot be made."""
        wanted: dict[str, Settings] = {}
        for settings in runs:
            key = _key(settings)
            if key in self._known or key in wanted:
                continue
            known = settings.recipe.known_data(settings.values) or self._kept(key)
            if known is None:
                wanted[key] = settings
            else:
                self._known[key] = known
        if wanted:
            self._make(wanted)

    def digest(self, settings: Settings) -> str:
        """Return the digest of the run's data."""
        self.learn([settings])
        return self._known[_key(settings)]

    def _kept(self, key: str) -> str | None:
        """Return the digest in the store, as long as all files that it was read from are as they were."""
        found = self.store.data(key)
        if found is None or not found.get("files_seen"):
            return None
        return found["digest"] if stamps(found["files"]) == found["files"] else None

    def _make(self, wanted: Mapping[str, Settings]) -> None:
        from runner import processes

        asked = [(each.recipe.source(each.values), dict(each.values), data_seed(each)) for each in wanted.values()]
        answers = processes.ask("digest_data", [asked], "The reading of the recipe's data")
        problems = list(dict.fromkeys(answer["problem"] for answer in answers if "problem" in answer))
        if problems:
            raise BadInput("\n".join(problems))
        if self.store.changes:
            self.store.prepare()
        for key, answer in zip(wanted, answers, strict=True):
            self._known[key] = answer["digest"]
            if self.store.changes:
                self.store.save_data(key, answer)


def data_seed(settings: Settings) -> int:
    """Return the seed of what `data` draws: the run's where it takes one, else 0."""
    return settings.seed if settings.recipe.data_takes_seed else 0


def _key(settings: Settings) -> str:
    """Return what tells one configuration of data from another."""
    recipe = settings.recipe
    known = [recipe.code, recipe.source(settings.values), recipe.data_values(settings.values), data_seed(settings)]
    return sha256(canonical_json(known).encode())[:24]


def stamp(path: str) -> tuple[int, ...] | None:
    """Return a file's size and time of change in nanoseconds, of a folder its time; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns,) if Path(path).is_dir() else (found.st_size, found.st_mtime_ns)


def stamps(paths: Iterable[str]) -> dict[str, Any]:
    """Return the stamp of each path, as JSON has it."""
    found = {path: stamp(path) for path in sorted(set(paths))}
    return {path: None if each is None else list(each) for path, each in found.items()}
