"""The error stream, closed while TensorFlow is imported: it greets there, whatever it is told."""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def errors_unseen() -> Iterator[None]:
    """Close the error stream meanwhile: TensorFlow greets on it, whatever it is told, when it is imported."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
