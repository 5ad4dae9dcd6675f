"""`python -m analysis results/<study>`: rebuild a study's report from its records."""

import argparse
import sys
from pathlib import Path

from runner.store import StoreError


def main() -> int:
    """Rebuild the reports of the named studies; return 0, 1 if a study is incomplete, 2 if a folder holds no study."""
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    parser.add_argument("studies", nargs="+", type=Path, metavar="results/<study>", help="folder with a study.json")
    arguments = parser.parse_args()
    complete = True
    for folder in arguments.studies:
        from analysis.report import write_report

        try:
            written = write_report(folder)
        except StoreError as error:
            print(error, file=sys.stderr)
            return 2
        print(f"{written.summary}\nreport: {folder / 'report.md'}")
        complete = complete and written.complete
    return 0 if complete else 1


if __name__ == "__main__":
    raise SystemExit(main())
