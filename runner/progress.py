"""Trainings that end -> live progress on the terminal: epochs done, time left; plain lines where there is none."""

import sys
import time

from tqdm import tqdm


class Display:
    """Live progress on the terminal: epochs done, time left; plain lines where there is no terminal."""

    def __init__(self, runs: int, epochs: int) -> None:
        self.runs, self.epochs = runs, epochs
        self.ended, self.done = 0, 0
        self.started = time.perf_counter()
        self.live = sys.stderr.isatty()
        self.bar = tqdm(
            total=epochs,
            unit="epoch",
            disable=not self.live,
            bar_format="{desc} {bar} {n_fmt}/{total_fmt} epochs, {elapsed} so far, {remaining} left",
            desc=f"0/{runs} trainings",
        )

    def advance(self, epochs: int) -> None:
        """Count epochs that were trained."""
        self.done += epochs
        self.bar.update(epochs)

    def refresh(self) -> None:
        """Let the clock go on between epochs."""
        self.bar.refresh()

    def run_ended(self, label: str, well: bool) -> None:
        """Count a training that ended."""
        self.ended += 1
        self.bar.set_description(f"{self.ended}/{self.runs} trainings")
        if not self.live and well:
            spent = time.perf_counter() - self.started
            left = spent * max(self.epochs - self.done, 0) / max(self.done, 1)
            self.say(f"[{self.ended}/{self.runs}] {label}: done; {spent:.0f} s so far, about {left:.0f} s left")

    def say(self, line: str) -> None:
        """Print a line without disturbing the bar."""
        tqdm.write(line, file=sys.stderr)

    def close(self) -> None:
        """Leave the terminal clean."""
        self.bar.close()
