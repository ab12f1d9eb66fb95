"""Stores of results, the folder and the bucket: a file is there whole with its checksum, or it is not there."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from workloads.programs import bucket, store
from workloads.programs.bucket import Bucket
from workloads.programs.errors import UserError, is_disk_full
from workloads.programs.store import Store

SHA_OF_HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-west-2",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        yield client


@pytest.fixture(params=["folder", "bucket", "prefix"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, s3: Any) -> Store:
    places = {"folder": str(tmp_path / "target"), "bucket": "s3://results", "prefix": "s3://results/team/one/"}
    return store.at(places[request.param])


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    file = tmp_path / "hello"
    file.write_text("hello")
    return file


def test_what_is_put_comes_back_with_the_same_checksum(kept: Store, hello: Path, tmp_path: Path) -> None:
    assert kept.put(hello, "a/b/hello.txt") == SHA_OF_HELLO
    assert kept.get("a/b/hello.txt", tmp_path / "deep" / "back") == SHA_OF_HELLO
    assert (tmp_path / "deep" / "back").read_text() == "hello"
    assert kept.read("a/b/hello.txt") == b"hello"
    assert kept.recorded("a/b/hello.txt") == kept.computed("a/b/hello.txt") == SHA_OF_HELLO


def test_nothing_is_listed_where_nothing_was_put(kept: Store) -> None:
    assert kept.sizes() == {}
    assert kept.sizes("runs/") == {}


def test_a_listing_has_whole_names_and_sizes_below_a_prefix_alone(kept: Store, hello: Path) -> None:
    for name in ("runs/a/x", "runs/ab/x", "runs/a/deep/y", "cache/z"):
        kept.put(hello, name)
    assert kept.sizes("runs/a/") == {"runs/a/deep/y": 5, "runs/a/x": 5}
    assert kept.sizes("runs/a") == {"runs/a/deep/y": 5, "runs/a/x": 5, "runs/ab/x": 5}
    assert set(kept.sizes()) == {"cache/z", "runs/a/deep/y", "runs/a/x", "runs/ab/x"}


def test_a_file_put_again_is_replaced_whole(kept: Store, hello: Path) -> None:
    kept.put(hello, "x")
    hello.write_text("hi")
    assert kept.put(hello, "x") != SHA_OF_HELLO
    assert kept.sizes() == {"x": 2}
    assert kept.read("x") == b"hi"


def test_what_was_removed_is_gone_and_removing_it_again_is_nothing(kept: Store, hello: Path) -> None:
    kept.put(hello, "x")
    kept.remove("x")
    kept.remove("x")
    assert kept.sizes() == {}


@pytest.mark.parametrize("ask", ["get", "read", "recorded", "computed"])
def test_a_file_that_is_not_there_is_told_by_name(kept: Store, tmp_path: Path, ask: str) -> None:
    more = (tmp_path / "back",) if ask == "get" else ()
    with pytest.raises(UserError, match=r"holds no runs/none"):
        getattr(kept, ask)("runs/none", *more)
    assert not list(tmp_path.glob("back*"))


def test_more_objects_than_a_page_holds_are_all_listed(s3: Any) -> None:
    for number in range(1003):
        s3.put_object(Bucket="results", Key=f"many/{number:04}", Body=b"")
    assert len(store.at("s3://results").sizes("many/")) == 1003


def test_a_file_in_several_parts_has_the_checksum_of_all_its_bytes(s3: Any, tmp_path: Path) -> None:
    """S3's own checksum of such an object is one of the parts' checksums, which nobody recomputes from the file."""
    file = tmp_path / "large"
    file.write_bytes(os.urandom(2 * store.CHUNK_BYTES + 5))
    target = store.at("s3://results")
    known = target.put(file, "large")
    head = s3.head_object(Bucket="results", Key="large", ChecksumMode="ENABLED")
    assert head["ETag"].strip('"').endswith("-3")
    assert target.recorded("large") == target.computed("large") == known == store.digest(file)
    assert target.get("large", tmp_path / "back") == known


def test_what_changed_since_it_was_stored_is_not_fetched(s3: Any, hello: Path, tmp_path: Path) -> None:
    target = store.at("s3://results")
    target.put(hello, "x")
    s3.put_object(Bucket="results", Key="x", Body=b"jello", Metadata={"sha256": SHA_OF_HELLO})
    (tmp_path / "back").write_text("earlier")
    with pytest.raises(UserError, match="not what was stored"):
        target.get("x", tmp_path / "back")
    assert (tmp_path / "back").read_text() == "earlier"
    assert not list(tmp_path.glob("*.partial"))


def test_an_object_of_somebody_elses_is_fetched_without_a_checksum(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="results", Key="x", Body=b"hello")
    assert store.at("s3://results").recorded("x") == ""
    assert store.at("s3://results").get("x", tmp_path / "back") == SHA_OF_HELLO


def test_what_a_killed_copy_left_is_not_listed_and_does_not_hinder_the_next(tmp_path: Path, hello: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "x.partial").write_text("hel")
    target = store.at(str(tmp_path / "target"))
    assert target.sizes() == {}
    assert target.put(hello, "x") == SHA_OF_HELLO
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["x"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk, as root")
@pytest.mark.parametrize("source", ["folder", "bucket"])
def test_a_full_disk_leaves_nothing_half_written_and_stays_a_full_disk(s3: Any, tmp_path: Path, source: str) -> None:
    file, small = tmp_path / "large", tmp_path / "small"
    file.write_bytes(os.urandom(3 * 2**20))
    target = store.at("s3://results" if source == "bucket" else str(tmp_path / "target"))
    target.put(file, "large")
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        with pytest.raises(OSError) as error:  # noqa: PT011
            target.get("large", small / "back")
        assert is_disk_full(error.value)
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_target_that_is_a_file_is_told(tmp_path: Path, hello: Path) -> None:
    with pytest.raises(UserError, match=str(hello)):
        store.at(str(hello)).put(hello, "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path, hello: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(UserError, match="Permission denied"):
        store.at(str(closed)).put(hello, "x")


def test_an_address_without_a_bucket_is_refused() -> None:
    with pytest.raises(UserError, match="names no bucket"):
        store.at("s3:///prefix")


@pytest.mark.parametrize("ask", ["sizes", "put"])
def test_a_bucket_that_is_not_there_is_told(s3: Any, hello: Path, ask: str) -> None:
    with pytest.raises(UserError, match=r"s3://missing.*there is no such bucket"):
        getattr(store.at("s3://missing"), ask)(*([hello, "x"] if ask == "put" else []))


def test_missing_credentials_are_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UserError, match=r"there are no AWS credentials\. Log in"):
        store.at("s3://results").sizes()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("AccessDenied", "AWS denies it to these credentials. They need s3:ListBucket"),
        ("403", "AWS denies it"),
        ("ExpiredToken", "have expired. Log in again"),
        ("InvalidAccessKeyId", "does not know these credentials"),
        ("SlowDown", "SlowDown"),
    ],
)
def test_what_s3_refuses_is_told_in_words(s3: Any, monkeypatch: pytest.MonkeyPatch, error: str, words: str) -> None:
    def refuse() -> Any:
        raise ClientError({"Error": {"Code": error, "Message": error}}, "HeadObject")

    monkeypatch.setattr(bucket, "_s3", refuse)
    with pytest.raises(UserError, match=words) as told:
        store.at("s3://results/team").recorded("x")
    assert str(told.value).startswith("s3://results/team/x: ")


def test_an_upload_that_is_denied_says_so_and_not_what_boto_calls_it(
    s3: Any, monkeypatch: pytest.MonkeyPatch, hello: Path
) -> None:
    """boto3 wraps the refusal of an upload into an exception of its own."""
    client = boto3.client("s3")

    def refuse(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    client.meta.events.register("before-call.s3.PutObject", refuse)
    monkeypatch.setattr(bucket, "_s3", lambda: client)
    with pytest.raises(UserError, match="AWS denies it"):
        store.at("s3://results").put(hello, "x")


def test_no_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise EndpointConnectionError(endpoint_url="https://s3")

    monkeypatch.setattr(bucket, "_s3", refuse)
    with pytest.raises(UserError, match="cannot be reached"):
        store.at("s3://results").read("x")


def test_a_call_is_tried_again_and_none_waits_for_ever(s3: Any) -> None:
    config = bucket._s3().meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 8}
    assert (config.connect_timeout, config.read_timeout) == (10, 60)


def test_an_address_is_split_into_bucket_and_prefix() -> None:
    assert store.at("s3://b/p/q/") == Bucket("s3://b/p/q", "b", "p/q/")
    assert store.at("s3://b/") == Bucket("s3://b", "b", "")
