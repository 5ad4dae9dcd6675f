"""A study's folder and the records around it -> frames; see `analysis.read`."""
