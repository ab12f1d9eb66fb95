"""The launcher `job`: a step becomes objects that a cluster takes, and that end in the right way."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.conftest import PROJECT
from workloads.launchers import Launched, Manifest
from workloads.programs.errors import EXIT_DISK_FULL, EXIT_USER_ERROR
from workloads.programs.run import plan

from .jobs import RECIPE, argument, every, fleet, job, launched, named, objects, pod

LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""A DNS label as a Service's name must be one."""


# what it is made of


def test_the_same_step_makes_the_same_bytes_in_whatever_process() -> None:
    program = (
        "import json; from tests.workloads.launchers.jobs import every, objects;"
        "print(json.dumps([objects(what) for what in every()]))"
    )
    seeds = [{**os.environ, "PYTHONHASHSEED": seed} for seed in ("1", "2")]
    command = [sys.executable, "-c", program]
    told = {subprocess.run(command, env=seed, cwd=PROJECT, capture_output=True, check=True).stdout for seed in seeds}
    assert told == {f"{json.dumps([objects(what) for what in every()])}\n".encode()}


@pytest.mark.parametrize("what", every(), ids=named)
def test_what_goes_through_json_comes_out_as_it_was(what: Launched) -> None:
    assert json.loads(json.dumps(objects(what))) == objects(what)


def test_one_pod_is_a_plain_job_and_nothing_beside_it() -> None:
    (only,) = objects(launched("train"))
    assert only["kind"] == "Job"
    assert (only["spec"]["completions"], only["spec"]["parallelism"]) == (1, 1)
    assert "completionMode" not in only["spec"]
    assert "subdomain" not in only["spec"]["template"]["spec"]


def test_several_pods_are_an_indexed_job_whose_service_is_there_before_it() -> None:
    service, made = objects(launched("train", fleet(nodes=3)))
    assert (service["kind"], made["kind"]) == ("Service", "Job")
    assert (made["spec"]["completions"], made["spec"]["parallelism"]) == (3, 3)
    assert made["spec"]["completionMode"] == "Indexed"


@pytest.mark.parametrize("what", every(), ids=named)
def test_the_object_says_how_many_pods_it_has(what: Launched) -> None:
    made = job(what)
    assert made["metadata"]["annotations"][plan.PODS] == str(made["spec"]["parallelism"])
    assert made["spec"]["parallelism"] == what.step.placement.nodes


@pytest.mark.parametrize("what", every(), ids=named)
def test_the_run_finds_every_object_by_its_labels(what: Launched) -> None:
    mark = {**plan.OWNED, plan.STEP_LABEL: what.step.name, plan.HASH_LABEL: what.hashes[what.step.name]}
    for one in (*objects(what), pod(what)):
        assert mark.items() <= one["metadata"]["labels"].items()


@pytest.mark.parametrize("what", every(), ids=named)
def test_everything_is_made_in_the_sites_namespace(what: Launched) -> None:
    assert {one["metadata"]["namespace"] for one in objects(what)} == {"team"}


# names


@pytest.mark.parametrize("what", every(fleet(nodes=RECIPE.most_nodes)), ids=named)
def test_every_name_is_a_dns_label(what: Launched) -> None:
    last = f"{what.name}-{what.step.placement.nodes - 1}"
    names = [one["metadata"]["name"] for one in objects(what)]
    for name in (*names, last):
        assert LABEL.fullmatch(name), name


@pytest.mark.parametrize("what", every(), ids=named)
def test_names_are_short_enough_for_every_kind_that_a_step_may_become(what: Launched) -> None:
    """KubeRay appends to a RayJob's name, and refuses more than 47 characters."""
    assert len(what.name) <= 47


@pytest.mark.parametrize("what", every(), ids=named)
def test_every_label_has_a_value_that_kubernetes_takes(what: Launched) -> None:
    for value in pod(what)["metadata"]["labels"].values():
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", value), value


# how it ends


def action(made: Manifest, status: int, disrupted: bool = False) -> str:
    """What the Job controller does with a failed pod: as the first rule that matches says, else the try counts."""

    def matches(rule: Mapping[str, Any]) -> bool:
        if "onPodConditions" in rule:
            return disrupted and {"type": "DisruptionTarget", "status": "True"} in rule["onPodConditions"]
        codes = rule["onExitCodes"]
        (name,) = (one["name"] for one in made["spec"]["template"]["spec"]["containers"])
        return codes["containerName"] == name and codes["operator"] == "In" and status in codes["values"]

    rules = made["spec"]["podFailurePolicy"]["rules"]
    return next((rule["action"] for rule in rules if matches(rule)), "Count")


@pytest.mark.parametrize("what", every(), ids=named)
def test_a_mistake_that_trying_again_will_not_mend_ends_the_job_at_once(what: Launched) -> None:
    assert (EXIT_USER_ERROR, EXIT_DISK_FULL) == (2, 3)
    assert [action(job(what), status) for status in (2, 3)] == ["FailJob", "FailJob"]


@pytest.mark.parametrize("status", [1, 134, 137, 139, 143])
def test_a_crash_is_tried_again(status: int) -> None:
    made = job(launched("train", fleet(nodes=2)))
    assert action(made, status) == "Count"
    assert made["spec"]["backoffLimit"] >= made["spec"]["completions"]


@pytest.mark.parametrize("status", [1, 2, 3, 137, 143])
def test_a_lost_node_costs_no_try_whatever_its_pod_ended_with(status: int) -> None:
    assert action(job(launched("train")), status, disrupted=True) == "Ignore"


@pytest.mark.parametrize("what", every(), ids=named)
def test_what_the_failure_policy_asks_of_a_job_is_so(what: Launched) -> None:
    """A pod that is restarted in its place never fails; a new one must not come while the old one still writes."""
    assert pod(what)["spec"]["restartPolicy"] == "Never"
    assert job(what)["spec"]["podReplacementPolicy"] == "Failed"


@pytest.mark.parametrize("what", every(), ids=named)
def test_karpenter_leaves_a_working_pod_alone(what: Launched) -> None:
    assert pod(what)["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] == "true"


# what changes what


def test_tuning_changes_the_manifest_and_not_the_hash() -> None:
    before, after = launched("train"), launched("train", checkpoint_every=7)
    assert after.hashes == before.hashes
    assert objects(after) != objects(before)
    assert argument(after, "checkpoint_every") == "7"


def test_an_argument_changes_both() -> None:
    before, after = launched("train"), launched("train", learning_rate=2e-5)
    assert after.hashes["train"] != before.hashes["train"]
    assert after.name != before.name
    assert argument(after, "learning_rate") == "2e-05"


@pytest.mark.parametrize("what", every(), ids=named)
def test_limits_and_expectations_are_not_in_the_manifest(what: Launched) -> None:
    """They are the run's, and count from when all pods run: a changed one must not stop a training."""
    other = replace(what, step=replace(what.step, minutes=what.step.minutes * 2, limit_hours=99))
    assert objects(other) == objects(what)
    assert "activeDeadlineSeconds" not in json.dumps(objects(what))
