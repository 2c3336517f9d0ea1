"""From recordings to a finished, split, described data set: `python -m workers dataset`."""
