"""The results folder: run records and declared studies, whole or absent, verified when read."""

from runner.store.files import SCRAP, Corrupt, StoreError, make_folder, plain, refused, write_file
from runner.store.folders import less_folders, numbered, told_apart, without_folders
from runner.store.records import SCHEMA, Record, Snapshot, record_id
from runner.store.sealed import canonical_json
from runner.store.store import RESERVED, Store
from runner.store.studies import read_study
from runner.store.terminal import folded, show, table_lines, terminal_width

__all__ = [
    "RESERVED",
    "SCHEMA",
    "SCRAP",
    "Corrupt",
    "Record",
    "Snapshot",
    "Store",
    "StoreError",
    "canonical_json",
    "folded",
    "less_folders",
    "make_folder",
    "numbered",
    "plain",
    "read_study",
    "record_id",
    "refused",
    "show",
    "table_lines",
    "terminal_width",
    "told_apart",
    "without_folders",
    "write_file",
]
