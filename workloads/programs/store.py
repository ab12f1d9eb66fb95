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
    bucket, _, prefix = address.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise UserError(f"{address}: names no bucket. Write it as s3://bucket or s3://bucket/prefix.")
    prefix = prefix.strip("/")
    return Bucket(address.rstrip("/"), bucket, f"{prefix}/" if prefix else "")


def digest(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with file.open("rb") as stream:
        return _digest(stream)


def _digest(stream: Any) -> str:
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
        with _in_words(self.address):
            files = (one for one in top.rglob("*") if one.is_file() and not one.name.endswith(PARTIAL))
            named = {one.relative_to(root).as_posix(): one.stat().st_size for one in files}
        return {name: size for name, size in sorted(named.items()) if name.startswith(below)}

    def put(self, file: Path, name: str) -> str:
        place = Path(self.address) / name
        with _in_words(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            return _copy(file, place)

    def get(self, name: str, file: Path) -> str:
        place = self._there(name)
        with _in_words(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            return _copy(place, file)

    def read(self, name: str) -> bytes:
        place = self._there(name)
        with _in_words(place):
            return place.read_bytes()

    def recorded(self, name: str) -> str:
        return self.computed(name)

    def computed(self, name: str) -> str:
        place = self._there(name)
        with _in_words(place):
            return digest(place)

    def remove(self, name: str) -> None:
        with _in_words(self.address):
            (Path(self.address) / name).unlink(missing_ok=True)

    def _there(self, name: str) -> Path:
        place = Path(self.address) / name
        if not place.is_file():
            raise UserError(_lacks(self.address, name))
        return place


def _lacks(address: str, name: str) -> str:
    return f"{address} holds no {name}."


@contextmanager
def _in_words(place: "str | Path") -> Iterator[None]:
    """Turns what the operating system refuses into one sentence; a full disk is for the caller to tell."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise
        raise UserError(f"{place}: {error.strerror or error}.") from error


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
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
    with _whole(target) as partial, source.open("rb") as stream, partial.open("wb") as copy:
        while chunk := stream.read(CHUNK_BYTES):
            total.update(chunk)
            copy.write(chunk)
    return total.hexdigest()


@dataclass(frozen=True)
class Bucket:
    """`prefix` is empty or ends with "/"."""

    address: str
    bucket: str
    prefix: str

    def sizes(self, below: str = "") -> dict[str, int]:
        return dict(self._listed(below))

    def _listed(self, below: str) -> Iterator[tuple[str, int]]:
        with self._told():
            pages = _s3().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + below)
            for page in pages:
                for one in page.get("Contents", ()):
                    yield one["Key"].removeprefix(self.prefix), one["Size"]

    def put(self, file: Path, name: str) -> str:
        """S3 computes the SHA-256 of what arrives, part by part, and refuses what differs from what boto3 sent.

        Of an upload in parts S3 keeps a checksum of the parts' checksums, which no reader can compute without their
        sizes: the file's own goes into the object's metadata.
        """
        with _in_words(file):
            known = digest(file)
        extra = {"ChecksumAlgorithm": "SHA256", "Metadata": {METADATA: known}}
        with self._told(name):
            _s3().upload_file(str(file), self.bucket, self.prefix + name, ExtraArgs=extra)
        return known

    def get(self, name: str, file: Path) -> str:
        with _in_words(file):
            file.parent.mkdir(parents=True, exist_ok=True)
        meant = self.recorded(name)
        with _in_words(file), _whole(file) as partial:
            with self._told(name), partial.open("wb") as stream:
                _s3().download_fileobj(self.bucket, self.prefix + name, stream)
            found = digest(partial)
            if meant and found != meant:
                raise UserError(f"{self.address}/{name}: what arrived is not what was stored. Try again.")
        return found

    def read(self, name: str) -> bytes:
        with self._told(name):
            return self._stream(name).read()

    def recorded(self, name: str) -> str:
        with self._told(name):
            found = _s3().head_object(Bucket=self.bucket, Key=self.prefix + name)
            return found["Metadata"].get(METADATA, "")

    def computed(self, name: str) -> str:
        with self._told(name):
            return _digest(self._stream(name))

    def _stream(self, name: str) -> Any:
        return _s3().get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"]

    def remove(self, name: str) -> None:
        with self._told(name):
            _s3().delete_object(Bucket=self.bucket, Key=self.prefix + name)

    @contextmanager
    def _told(self, name: str = "") -> Iterator[None]:
        """Turns what AWS refuses into one sentence."""
        try:
            from boto3.exceptions import Boto3Error
            from botocore.exceptions import BotoCoreError, ClientError
        except ModuleNotFoundError:
            raise UserError(NO_BOTO3) from None
        try:
            yield
        except (BotoCoreError, ClientError, Boto3Error) as error:
            raise UserError(_refusal(self, name, error)) from error


NO_BOTO3 = (
    "there is no boto3 here, which S3 is spoken to with. Use an image that has it, or name a folder for the results."
)

METADATA = "sha256"
"""Under which an object's metadata has the SHA-256 of all its bytes."""

REFUSALS = {
    "there is no such bucket. Is the name right, and the AWS account the one that has it?": ("NoSuchBucket",),
    "AWS denies it to these credentials. They need s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and "
    "s3:DeleteObject below it.": ("AccessDenied", "AllAccessDisabled", "403", "Forbidden"),
    "the AWS credentials have expired. Log in again (`aws sso login`).": (
        "ExpiredToken",
        "ExpiredTokenException",
        "TokenRefreshRequired",
        "UnauthorizedSSOTokenError",
    ),
    "AWS does not know these credentials. Look at `aws configure list`.": (
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
    ),
    "there are no AWS credentials. Log in (`aws configure`, `aws sso login`) or set AWS_PROFILE; in a pod, name a "
    "service account that has the rights.": (
        "NoCredentialsError",
        "PartialCredentialsError",
        "TokenRetrievalError",
        "SSOTokenLoadError",
    ),
    "S3 cannot be reached from here. Is there a network, and is the region right?": (
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
        "ProxyConnectionError",
    ),
}
"""What to say, with the codes of S3's errors and the names of botocore's exceptions that it is said of."""


def _refusal(where: Bucket, name: str, error: Exception) -> str:
    place = f"{where.address}/{name}" if name else where.address
    cause = error.__context__ if type(error).__module__.startswith("boto3") and error.__context__ else error
    code = getattr(cause, "response", {}).get("Error", {}).get("Code") or type(cause).__name__
    if code in ("NoSuchKey", "404", "NotFound"):
        return _lacks(where.address, name)
    words = next((words for words, codes in REFUSALS.items() if code in codes), None)
    return f"{place}: {words or error}"


def _s3() -> Any:
    """A client of its own each time: credentials may change during hours of uploading, and making one takes little."""
    import boto3
    from botocore.config import Config

    patience = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=10, read_timeout=60)
    return boto3.client("s3", config=patience)
