"""The results bucket: safe, and kept with all that keeps it safe, unless told otherwise."""

import json
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.results import Results, ResultsArgs, tls_only
from stacks import recorder
from stacks.recorder import Recording

from .recorded import only, recorded, waits_for


def results(**given: Any) -> Recording:
    def program() -> None:
        made = Results("results", ResultsArgs(**given))
        pulumi.CustomResource("test:index:User", "writer", {"bucket": made.name})
        pulumi.export("name", made.name)
        pulumi.export("arn", made.arn)

    return recorded(program)


def in_s3(recording: Recording) -> list[recorder.Recorded]:
    return [one for one in recording.resources if one.type.startswith("aws:s3/")]


def test_the_bucket_and_every_companion_outlive_the_stack() -> None:
    made = in_s3(results())
    assert len(made) == 7
    assert all(one.request.retainOnDelete for one in made)
    assert only(results(), "Bucket").inputs["forceDestroy"] is False


def test_unless_it_is_not_to_be_kept_and_then_goes_with_what_is_in_it() -> None:
    made = results(keep=False)
    assert not any(one.request.retainOnDelete for one in in_s3(made))
    assert only(made, "Bucket").inputs["forceDestroy"] is True


def test_nothing_of_it_is_public() -> None:
    block = only(results(), "BucketPublicAccessBlock").inputs
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[flag] for flag in flags] == [True] * 4
    assert only(results(), "BucketOwnershipControls").inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_it_is_encrypted_and_versioned() -> None:
    made = results()
    (rule,) = only(made, "BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    assert only(made, "BucketVersioning").inputs["versioningConfiguration"] == {"status": "Enabled"}


def test_nobody_gets_at_it_without_tls() -> None:
    (statement,) = json.loads(tls_only("b"))["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert set(statement["Resource"]) == {"arn:aws:s3:::b", "arn:aws:s3:::b/*"}
    assert "policy" in only(results(), "BucketPolicy").inputs


def test_old_versions_and_unfinished_uploads_go_after_a_time_and_present_objects_never() -> None:
    (rule,) = only(results(old_versions_days=14), "BucketLifecycleConfiguration").inputs["rules"]
    assert rule["status"] == "Enabled"
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 14}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert rule["expiration"] == {"expiredObjectDeleteMarker": True}


def test_nobody_writes_before_the_bucket_is_safe() -> None:
    made = results()
    assert {one.name for one in in_s3(made)} <= waits_for(made, "writer")


def test_the_policy_comes_after_the_public_access_block() -> None:
    assert "results-private" in waits_for(results(), "results-tls")


def test_an_earlier_bucket_is_looked_up_by_name_and_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def call(_: Any, args: mocks.MockCallArgs) -> dict[Any, Any]:
        asked.append((args.token, dict(args.args)))
        return {"arn": "arn:aws:s3:::earlier"}

    monkeypatch.setattr(recorder._Echo, "call", call)
    for keep in (True, False):
        made = results(bucket="earlier", keep=keep)
        assert in_s3(made) == []
        assert made.outputs == {"name": "earlier", "arn": "arn:aws:s3:::earlier"}
    assert asked[0] == ("aws:s3/getBucket:getBucket", {"bucket": "earlier"})
