"""Frames -> matplotlib figures, a kind a file; they compute no statistic and write no file.

Columns that each function reads (NaN where there is no value); a metric `m` has the columns `m` and `val_m`:

| function | frame | columns |
|---|---|---|
| curves | history | cell, seed, epoch, m, val_m |
| curves, overview | means | cell, epoch, metric (one of those names), mean, low, high |
| effects | table | response, contrast (unique), estimate, low, high, sesoi, grade |
| effects | seeds | response, contrast, seed, effect |
| interaction | seeds | a column for either factor, seed, and val_m |
| interaction | means | a column for either factor, mean, low, high: a row per pair of levels |
| gap | means | cell, response (m), epoch, term, mean, low, high |
| gallery | missed | example, label, missed_by, runs, answers |

Sizes are inches. Panels are placed by the measured size of the text around them, so that nothing overlaps and nothing
is cut off, however long a label. Values stay as they are stored; only the axes show them in a metric's unit.
"""
