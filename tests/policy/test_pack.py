"""The policy pack as the engine meets it: a program that answers over gRPC."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from stacks.recorder import Recorded
from tests.conftest import PROJECT
from tests.contract.breaking import without
from tests.contract.graphs import graph
from tests.engine.doubles.provider import marshal

from .test_policies import RULES, SOME, STACK_RULES

Analyzer = analyzer_pb2_grpc.AnalyzerStub


@pytest.fixture(scope="module")
def analyzer() -> Iterator[Analyzer]:
    """The pack, started in its own folder as the engine does it."""
    command = [sys.executable, "-u", "."]
    started = subprocess.Popen(command, cwd=PROJECT / "policy", stdout=subprocess.PIPE, text=True)
    assert started.stdout
    port = started.stdout.readline().strip()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield analyzer_pb2_grpc.AnalyzerStub(channel)
    started.kill()
    started.wait()


def analyze(analyzer: Analyzer, kind: str, properties: dict[str, Any]) -> list[tuple[str, int]]:
    """What the pack says of a resource: the policies, and how strict each is about it."""
    request = analyzer_pb2.AnalyzeRequest(type=kind, name="x", urn="urn:x", properties=marshal(properties))
    return [(one.policyName, one.enforcementLevel) for one in analyzer.Analyze(request).diagnostics]


def test_it_tells_all_policies_by_name(analyzer: Analyzer) -> None:
    told = analyzer.GetAnalyzerInfo(empty_pb2.Empty())
    assert {one.name for one in told.policies} == {*RULES, *STACK_RULES}


def test_a_resource_that_breaks_one_stops_the_update(analyzer: Analyzer) -> None:
    assert analyze(analyzer, "aws:kms/key:Key", {}) == [("rotating-keys", analyzer_pb2.MANDATORY)]
    assert analyze(analyzer, "aws:kms/key:Key", {"enableKeyRotation": True}) == []


def test_what_is_unknown_in_a_preview_is_told_and_stops_nothing(analyzer: Analyzer) -> None:
    said = analyze(analyzer, "aws:iam/rolePolicy:RolePolicy", {"policy": UNKNOWN_STRING_VALUE})
    assert said == [("named-rights", analyzer_pb2.ADVISORY)]


@pytest.mark.parametrize("name", [SOME, "eks-managed-extras"])
def test_no_resource_of_a_stack_breaks_one(analyzer: Analyzer, name: str) -> None:
    said = [(one.name, analyze(analyzer, one.type, dict(one.inputs))) for one in graph(name).resources]
    assert [one for one in said if one[1]] == []


def in_a_stack(one: Recorded) -> analyzer_pb2.AnalyzerResource:
    made_from = {
        name: analyzer_pb2.AnalyzerPropertyDependencies(urns=found.urns)
        for name, found in one.request.propertyDependencies.items()
    }
    return analyzer_pb2.AnalyzerResource(
        type=one.type, name=one.name, urn=one.urn, properties=marshal(one.inputs), propertyDependencies=made_from
    )


@pytest.mark.parametrize(("gone", "expected"), [("nothing", []), ("results-private", ["safe-buckets"])])
def test_a_bucket_is_judged_with_what_stands_beside_it(analyzer: Analyzer, gone: str, expected: list[str]) -> None:
    recording = without(gone)(graph(SOME))
    request = analyzer_pb2.AnalyzeStackRequest(resources=map(in_a_stack, recording.resources))
    assert [one.policyName for one in analyzer.AnalyzeStack(request).diagnostics] == expected


def test_an_unknown_value_of_the_engine_is_what_the_pack_takes_for_unknown() -> None:
    assert rpc.UNKNOWN == UNKNOWN_STRING_VALUE
