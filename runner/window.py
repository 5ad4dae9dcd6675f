"""The epochs that a study's runs look at -> over how many of their last epochs a figure is taken.

A difference within a seed, averaged over the last 3 epochs, has 0.55 of the variance of the last epoch's (median of 62
contrasts of this project's studies). The width is sealed into study.json, since it is to be declared before.
"""

from collections.abc import Iterable

AUTO = 3  # epochs
AUTO_EPOCHS = 9  # of a run, from which `auto` is that wide


def window_of(setting: int | str, epochs: Iterable[int]) -> int:
    """Return the study's window in epochs: as set, or for `auto` 3 where every run looks at 9 epochs or more, else 1.

    `epochs` are those that the study's runs look at; a window is never wider than the shortest run.
    """
    fewest = min(epochs)
    if setting == "auto":
        return AUTO if fewest >= AUTO_EPOCHS else 1
    if isinstance(setting, bool) or not isinstance(setting, int) or not 1 <= setting <= fewest:
        raise ValueError(
            f"analysis.window must be auto, or a whole number of epochs from 1 to {fewest}, which the shortest run "
            f"has; got {setting!r}."
        )
    return setting
