"""The results folder: run records and declared studies, whole or absent, verified when read."""

from runner.store.files import SCRAP, Corrupt, StoreError, make_folder, plain, refused, write_file
from runner.store.records import SCHEMA, Record, Snapshot, record_id
from runner.store.sealed import canonical_json
from runner.store.store import RESERVED, Store
from runner.store.studies import read_study

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
    "make_folder",
    "plain",
    "read_study",
    "record_id",
    "refused",
    "write_file",
]
