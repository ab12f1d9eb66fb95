"""Mistakes that a person can mend, and what a program says of them."""

import errno
import shutil
from pathlib import Path

EXIT_USER_ERROR = 2
"""Exit status of a mistake that trying again will not mend (a bad argument, a broken data file)."""

EXIT_DISK_FULL = 3

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ROOM_LEFT_BYTES = 4 * 2**20
"""Below this, a failed write is put down to the full disk: torch and safetensors report it in words of their own."""


class UserError(Exception):
    """Something a person got wrong. Its text says what, what is allowed, and what to do; no traceback is shown."""


def is_disk_full(error: BaseException, folder: Path | None = None) -> bool:
    """Whether `error` comes from a full disk or an exceeded quota; `folder` is where was written, to look for room."""
    if isinstance(error, UserError):
        return False
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _NO_ROOM:
            return True
        if "No space left on device" in str(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return folder is not None and folder.is_dir() and shutil.disk_usage(folder).free < _ROOM_LEFT_BYTES


def disk_full(folder: Path) -> str:
    """What to say of it."""
    return (
        f"The disk that holds {folder} is full. Make room there, or name a folder on a larger disk, and run the same "
        "command again: steps that are done stay done, and training goes on from its last checkpoint."
    )
