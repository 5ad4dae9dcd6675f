"""How a trajectory's numbers come about: named streams, keyed building, feeds, the epoch loop and its measurements.

The numerics version (`runner.numerics`) covers this folder and what of `runner.images` computes numbers.
"""
