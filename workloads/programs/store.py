"""Where what a run made is kept for good: a folder, or an S3 bucket, below one address.

A file is there whole, with the checksum that its reader computes again, or it is not there.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .errors import UserError

CHUNK_BYTES = 8 * 2**20
"""Read at a time. boto3's own part size, so that a large object's parts are as other tools cut them."""

SCHEME = "s3://"


class Store(Protocol):
    """Files by name. A name is a relative path with "/" in it. Errors are UserError, in words, with the address."""

    @property
    def address(self) -> str: ...

    def sizes(self, below: str = "") -> dict[str, int]:
        """Bytes of every file whose name begins with `below`, by its whole name."""
        ...

    def put(self, file: Path, name: str) -> str:
        """Stores `file` and returns its SHA-256 in hexadecimal digits; what was there by that name is replaced."""
        ...

    def get(self, name: str, file: Path) -> str:
        """Writes what is there by `name` to `file`, whole or not at all, and returns its SHA-256."""
        ...

    def remove(self, name: str) -> None: ...


def at(address: str) -> Store:
    """The store at `address`: s3://bucket/prefix, or a folder, which is made when something is put."""
    if address.startswith(SCHEME):
        bucket, _, prefix = address.removeprefix(SCHEME).partition("/")
        return Bucket(address.rstrip("/"), bucket, f"{prefix.rstrip('/')}/" if prefix else "")
    return Directory(address)


def digest(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    total = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            total.update(chunk)
    return total.hexdigest()


@dataclass(frozen=True)
class Directory:
    address: str

    def sizes(self, below: str = "") -> dict[str, int]:
        root = Path(self.address)
        files = (one for one in root.rglob("*") if one.is_file() and not one.name.endswith(PARTIAL))
        named = {one.relative_to(root).as_posix(): one.stat().st_size for one in files}
        return {name: size for name, size in sorted(named.items()) if name.startswith(below)}

    def put(self, file: Path, name: str) -> str:
        place = Path(self.address) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        return _copy(file, place)

    def get(self, name: str, file: Path) -> str:
        place = Path(self.address) / name
        if not place.is_file():
            raise UserError(f"{self.address} holds no {name}.")
        file.parent.mkdir(parents=True, exist_ok=True)
        return _copy(place, file)

    def remove(self, name: str) -> None:
        (Path(self.address) / name).unlink(missing_ok=True)


PARTIAL = ".partial"


def _copy(source: Path, target: Path) -> str:
    partial = target.with_name(target.name + PARTIAL)
    shutil.copyfile(source, partial)
    found = digest(partial)
    os.replace(partial, target)
    return found


@dataclass(frozen=True)
class Bucket:
    """`prefix` is empty or ends with "/"."""

    address: str
    bucket: str
    prefix: str

    def sizes(self, below: str = "") -> dict[str, int]:
        return dict(self._listed(below))

    def _listed(self, below: str) -> Iterator[tuple[str, int]]:
        with _told(self.address):
            pages = _s3().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + below)
            for page in pages:
                for one in page.get("Contents", ()):
                    yield one["Key"].removeprefix(self.prefix), one["Size"]

    def put(self, file: Path, name: str) -> str:
        """S3 computes the SHA-256 of what arrives, part by part, and refuses what differs from what boto3 sent."""
        known = digest(file)
        extra = {"ChecksumAlgorithm": "SHA256", "Metadata": {"sha256": known}}
        with _told(f"{self.address}/{name}"):
            _s3().upload_file(str(file), self.bucket, self.prefix + name, ExtraArgs=extra)
        return known

    def get(self, name: str, file: Path) -> str:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(file.name + PARTIAL)
        with _told(f"{self.address}/{name}"):
            _s3().download_file(self.bucket, self.prefix + name, str(partial), ExtraArgs={"ChecksumMode": "ENABLED"})
        found = digest(partial)
        os.replace(partial, file)
        return found

    def remove(self, name: str) -> None:
        with _told(f"{self.address}/{name}"):
            _s3().delete_object(Bucket=self.bucket, Key=self.prefix + name)


def _s3() -> Any:
    import boto3

    return boto3.client("s3")


@contextmanager
def _told(address: str) -> Iterator[None]:
    """Turns what AWS refuses into one sentence."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise UserError(f"{address}: {error}") from error
