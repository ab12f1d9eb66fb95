"""The sources that a pod gets: a program's import closure as one zip, wherever made the same bytes."""

import io
import zipfile
from functools import lru_cache

from ..recipes.sources import ROOT, closure

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can tell: no entry carries another."""


@lru_cache
def bundle(*programs: str) -> bytes:
    """A zip of everything below `workloads` that `programs` import, to be put on PYTHONPATH."""
    files = sorted({file for program in programs for file in closure(program)})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # not compressed: another zlib makes other bytes
        for file in files:
            entry = zipfile.ZipInfo(file.relative_to(ROOT).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()
