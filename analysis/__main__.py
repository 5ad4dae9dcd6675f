"""`python -m analysis results/<study>`: rebuild a study's report from its records, or else from its tables.

`python -m analysis import PATH...` reads histories that other tools made into a study's folder first, and
`python -m analysis export results/<study> --to tensorboard|mlflow DIR` writes a study's histories for other tools.
"""

import argparse
import sys
from pathlib import Path

from analysis.report.freshness import shown
from runner.store import StoreError, refused


def main() -> int:
    """Do what the command asks for; return its exit code, 2 with one sentence where the system refuses."""
    try:
        return run()
    except (OSError, UnicodeError) as error:
        print(refused(error), file=sys.stderr)
        return 2


def run() -> int:
    """Rebuild the reports of the named studies; return 0, 1 if a study is incomplete, 2 if a folder holds no study."""
    if sys.argv[1:2] == ["import"]:
        from analysis import importing

        return importing.main(sys.argv[2:])
    if sys.argv[1:2] == ["export"]:
        from analysis.export.command import main as export

        return export(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    parser.add_argument("studies", nargs="+", type=Path, metavar="results/<study>", help="folder with a study.json")
    arguments = parser.parse_args()
    complete = True
    for folder in (path.expanduser() for path in arguments.studies):
        from analysis.report.files import write_report

        try:
            written = write_report(folder)
        except StoreError as error:
            print(error, file=sys.stderr)
            return 2
        print(shown(written, folder))
        complete = complete and written.complete
    return 0 if complete else 1


if __name__ == "__main__":
    raise SystemExit(main())
