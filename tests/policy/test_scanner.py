"""Checkov, an off-the-shelf scanner, reads the Kubernetes objects: what it finds is accepted below, each with a reason.

It needs older libraries than the project's own (packaging, networkx), so it lives in an environment of its own, which
`make test` makes from requirements-scanner.txt. TRAINYARD_CHECKOV names the program; without, it is looked for on PATH,
and where it is not the tests are skipped.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.step import OBJECTS
from stacks.recorder import Recording
from tests.contract.breaking import pod
from tests.contract.graphs import graph
from tests.contract.model import Graph
from tests.engine.doubles.provider import marshal, unmarshal

CHECKOV = os.environ.get("TRAINYARD_CHECKOV") or shutil.which("checkov")

pytestmark = pytest.mark.skipif(not CHECKOV, reason="no checkov on PATH, and TRAINYARD_CHECKOV names none")

ALL = frozenset({"neuron-monitor", "run-metrics", "tensorboard", "workbench", "ttl", "image", "step", "trainyard-run"})
NEURON_IMAGES = frozenset({"neuron-monitor", "step"})
BUILT_AS_USER = NEURON_IMAGES | {"image"}

ACCEPTED: Mapping[str, tuple[frozenset[str], str]] = {
    "CKV2_K8S_6": (ALL, "vpc-cni enforces no network policy unless it is told to; the VPC lets nobody in"),
    "CKV_K8S_8": (ALL, "a pod that hangs is seen in its metrics; a restart would end somebody's session"),
    "CKV_K8S_9": (frozenset({"neuron-monitor", "workbench"}), "nothing reaches them through a Service"),
    "CKV_K8S_11": (ALL, "a limit on vCPUs makes a pod slow where there are some to spare"),
    "CKV_K8S_13": (frozenset({"step"}), "a step has its node for itself, and what memory there is"),
    "CKV_K8S_15": (ALL, "tags are fixed, and a Neuron image takes minutes to pull"),
    "CKV_K8S_16": (frozenset({"neuron-monitor"}), "it reads the counters of every device of its node"),
    "CKV_K8S_20": (frozenset({"neuron-monitor", "image"}), "privileged; newuidmap is setuid"),
    "CKV_K8S_21": (frozenset({"trainyard-run"}), "events about NodeClaims, which have no namespace, go to default"),
    "CKV_K8S_22": (BUILT_AS_USER | {"workbench"}, "compilers, builds and people write where they please"),
    "CKV_K8S_23": (NEURON_IMAGES, "the Neuron images are made for root"),
    "CKV_K8S_28": (
        BUILT_AS_USER,
        "root in a Neuron image, and newuidmap, need some; no source says which, and no device has told",
    ),
    "CKV_K8S_37": (
        BUILT_AS_USER,
        "root in a Neuron image, and newuidmap, need some; no source says which, and no device has told",
    ),
    "CKV_K8S_38": (frozenset({"ttl", "trainyard-run"}), "they make use of their token"),
    "CKV_K8S_40": (BUILT_AS_USER, "the user is the image's"),
    "CKV_K8S_43": (ALL, "a version tells a reader more than a digest; own repositories are immutable"),
}
"""What Checkov finds by the id of its check: in which pods, and why it stays."""


def manifests(recording: Recording) -> list[dict[str, Any]]:
    """The objects as they go to the cluster, the run's included, without programs' sources."""
    found: list[dict[str, Any]] = []
    for one in Graph(recording).objects:
        inputs = unmarshal(marshal(one.inputs))
        found += json.loads(inputs.get("data", {}).get(OBJECTS, "[]"))
        inputs.pop("binaryData", None)
        version = one.type.removeprefix("kubernetes:").rpartition(":")[0].removeprefix("core/")
        found.append({"apiVersion": version, "kind": one.type.rpartition(":")[2], **inputs})
    return found


def scan(recording: Recording, folder: Path) -> list[tuple[str, str]]:
    """What the scanner finds: the check, and whose pods fail it."""
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(manifests(recording)))
    options = ["--framework", "kubernetes", "--quiet", "--compact", "--skip-download", "--output", "json"]
    done = subprocess.run([str(CHECKOV), "-d", str(folder), *options], capture_output=True, text=True, check=False)
    failed = json.loads(done.stdout)["results"]["failed_checks"]
    return [(one["check_id"], pods_of(one["resource"])) for one in failed]


def pods_of(resource: str) -> str:
    """The name in ACCEPTED of what Checkov calls Kind.namespace.name, with labels of a pod behind it."""
    kind, _, name = resource.split(".", 2)
    known = [one for one in ALL if name.startswith(one)]
    return known[0] if known else "step" if kind in ("Job", "Pod") else name


def unaccepted(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(check, who) for check, who in found if check not in ACCEPTED or who not in ACCEPTED[check][0]]


def test_the_scanner_finds_nothing_but_what_has_a_reason(tmp_path: Path) -> None:
    found = scan(graph("eks-karpenter-extras"), tmp_path)
    assert unaccepted(found) == []
    assert {check for check, _ in found} == set(ACCEPTED), "a reason that nothing needs any more"


def test_it_finds_no_more_where_node_groups_are_managed(tmp_path: Path) -> None:
    assert unaccepted(scan(graph("eks-managed-extras"), tmp_path)) == []


def test_what_is_broken_on_purpose_is_found_by_it(tmp_path: Path) -> None:
    change = pod("tensorboard-deployment", lambda spec: spec.update(hostNetwork=True, hostPID=True))
    found = unaccepted(scan(change(graph("eks-karpenter-extras")), tmp_path))
    assert {who for _, who in found} == {"tensorboard"}
    assert len(found) >= 2
