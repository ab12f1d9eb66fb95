"""The results target in S3: files below a prefix of a bucket, each with its SHA-256 beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import UserError
from .store import digest, digest_of, in_words, lacks, whole


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
        with in_words(file):
            known = digest(file)
        extra = {"ChecksumAlgorithm": "SHA256", "Metadata": {METADATA: known}}
        with self._told(name):
            _s3().upload_file(str(file), self.bucket, self.prefix + name, ExtraArgs=extra)
        return known

    def get(self, name: str, file: Path) -> str:
        with in_words(file):
            file.parent.mkdir(parents=True, exist_ok=True)
        meant = self.recorded(name)
        with in_words(file), whole(file) as partial:
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
            return digest_of(self._stream(name))

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
        return lacks(where.address, name)
    words = next((words for words, codes in REFUSALS.items() if code in codes), None)
    return f"{place}: {words or error}"


def _s3() -> Any:
    """A client of a session of its own each time: credentials may change during hours of uploading, boto3's default
    session looks for them once, and making one takes little."""
    from boto3.session import Session
    from botocore.config import Config

    patience = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=10, read_timeout=60)
    return Session().client("s3", config=patience)
