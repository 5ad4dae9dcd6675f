"""Frames, sentences and figures -> a study's report: report.md, figures/ and tables/; see `files.write_report`."""
