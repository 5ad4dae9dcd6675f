"""Frames of runs -> effects, intervals, tests, the gap's terms, what is missed; one concept a file, no words."""
