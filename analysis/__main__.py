"""`python -m analysis results/<study>`: rebuild a study's report from its records."""

import argparse
import sys
from pathlib import Path

from runner.store import Store, StoreError, read_study


def main() -> int:
    """Rebuild the reports of the named studies; return 0, 1 if a study is incomplete, 2 if a folder holds no study."""
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    parser.add_argument("studies", nargs="+", type=Path, metavar="results/<study>", help="folder with a study.json")
    arguments = parser.parse_args()
    complete = True
    for folder in arguments.studies:
        from analysis.report.files import write_report

        try:
            store = Store(folder.absolute().parent)
            _refuse_without_records(folder, store)
            written = write_report(folder, store)
        except StoreError as error:
            print(error, file=sys.stderr)
            return 2
        print(f"{written.summary}\nreport: {folder / 'report.md'}")
        complete = complete and written.complete
    return 0 if complete else 1


def _refuse_without_records(folder: Path, store: Store) -> None:
    """Raise StoreError where no run of the study lies beside it, so that a report is not lost for an empty one."""
    ids = {run["run"] for run in read_study(folder)["runs"]}
    if not any(store.folder_of(run_id) or store.failure(run_id) for run_id in ids):
        raise StoreError(
            f"the study's records must lie in {str(store.runs)!r}; got none of its {len(ids)}. Run its command again."
        )


if __name__ == "__main__":
    raise SystemExit(main())
