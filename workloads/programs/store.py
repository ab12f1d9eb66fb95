"""Where what a run made is kept for good: a folder, or an S3 bucket, below one address.

A file is there whole, with the checksum that its reader computes again, or it is not there.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .errors import UserError, is_disk_full
from .folders import sync_folder

CHUNK_BYTES = 8 * 2**20
"""Read at a time. boto3's own part size, so that a large object's parts are as other tools cut them."""

ADDRESS = "TRAINYARD_RESULTS"
"""Environment variable in which every step finds the address of the results target."""

SCHEME = "s3://"
PARTIAL = ".partial"
"""How the name ends of what is not yet whole: no listing has it."""


class Store(Protocol):
    """Files by name. A name is a relative path with "/" in it.

    Errors are UserError, in words, with the address; only a full disk stays the OSError that it is.
    """

    @property
    def address(self) -> str: ...

    def sizes(self, below: str = "") -> dict[str, int]:
        """Bytes of every file whose name begins with `below`, by its whole name; none where nothing was put yet."""
        ...

    def put(self, file: Path, name: str) -> str:
        """Stores `file` and returns its SHA-256 in hexadecimal digits; what was there by that name is replaced."""
        ...

    def get(self, name: str, file: Path) -> str:
        """Writes what is there by `name` to `file`, whole or not at all, and returns its SHA-256."""
        ...

    def read(self, name: str) -> bytes:
        """A small file's content."""
        ...

    def recorded(self, name: str) -> str:
        """The SHA-256 that `name` was stored with, without reading a bucket's file again; empty where none is known."""
        ...

    def computed(self, name: str) -> str:
        """The SHA-256 of the bytes that are there now by `name`, every one of them read."""
        ...

    def remove(self, name: str) -> None: ...


def at(address: str) -> Store:
    """The store at `address`: s3://bucket/prefix, or a folder, which is made when something is put."""
    if not address.startswith(SCHEME):
        return Directory(address)
    from .bucket import Bucket

    bucket, _, prefix = address.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise UserError(f"{address}: names no bucket. Write it as s3://bucket or s3://bucket/prefix.")
    prefix = prefix.strip("/")
    return Bucket(address.rstrip("/"), bucket, f"{prefix}/" if prefix else "")


def digest(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with file.open("rb") as stream:
        return digest_of(stream)


def digest_of(stream: Any) -> str:
    """SHA-256 of what is left to read of a stream of bytes."""
    total = hashlib.sha256()
    while chunk := stream.read(CHUNK_BYTES):
        total.update(chunk)
    return total.hexdigest()


@dataclass(frozen=True)
class Directory:
    address: str

    def sizes(self, below: str = "") -> dict[str, int]:
        root = Path(self.address)
        top = root / below.rpartition("/")[0]
        with in_words(self.address):
            files = (one for one in top.rglob("*") if one.is_file() and not one.name.endswith(PARTIAL))
            named = {one.relative_to(root).as_posix(): one.stat().st_size for one in files}
        return {name: size for name, size in sorted(named.items()) if name.startswith(below)}

    def put(self, file: Path, name: str) -> str:
        place = Path(self.address) / name
        with in_words(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            return _copy(file, place)

    def get(self, name: str, file: Path) -> str:
        place = self._there(name)
        with in_words(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            return _copy(place, file)

    def read(self, name: str) -> bytes:
        place = self._there(name)
        with in_words(place):
            return place.read_bytes()

    def recorded(self, name: str) -> str:
        return self.computed(name)

    def computed(self, name: str) -> str:
        place = self._there(name)
        with in_words(place):
            return digest(place)

    def remove(self, name: str) -> None:
        with in_words(self.address):
            (Path(self.address) / name).unlink(missing_ok=True)

    def _there(self, name: str) -> Path:
        place = Path(self.address) / name
        if not place.is_file():
            raise UserError(lacks(self.address, name))
        return place


def lacks(address: str, name: str) -> str:
    """What every store says of a file that is not there."""
    return f"{address} holds no {name}."


@contextmanager
def in_words(place: "str | Path") -> Iterator[None]:
    """Turns what the operating system refuses into one sentence; a full disk is for the caller to tell."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise
        raise UserError(f"{place}: {error.strerror or error}.") from error


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A place beside `target` to write to, which takes its name when all went well and is gone when it did not."""
    partial = target.with_name(target.name + PARTIAL)
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(target)
        sync_folder(target.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _copy(source: Path, target: Path) -> str:
    """Copies, and returns the SHA-256 of what was read."""
    total = hashlib.sha256()
    with whole(target) as partial, source.open("rb") as stream, partial.open("wb") as copy:
        while chunk := stream.read(CHUNK_BYTES):
            total.update(chunk)
            copy.write(chunk)
    return total.hexdigest()
