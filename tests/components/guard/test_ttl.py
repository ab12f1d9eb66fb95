"""An end in time, by somebody who may do nothing but end things."""

from typing import Any

import pulumi

from components.guard.ttl import EVERY_MINUTES, Ttl, TtlArgs
from components.step import Bundle
from stacks.recorder import Recording
from tests.components.recorded import all_of, only, recorded, waits_for
from workloads.programs import ttl as program_of_ttl

BUNDLE = Bundle(name="program-ttl-0", file="program.zip", content="")


def built(**more: Any) -> Recording:
    def program() -> None:
        args = TtlArgs(
            namespace="training",
            hours=24,
            bundle=BUNDLE,
            module="programs.ttl",
            run="trainyard-run",
            image="python:3",
            **more,
        )
        pulumi.export("name", Ttl("ttl", args).name)

    return recorded(program)


def rules(**more: Any) -> list[dict[str, Any]]:
    return only(built(**more), "Role").inputs["rules"]


def pod(**more: Any) -> dict[str, Any]:
    return only(built(**more), "CronJob").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_it_looks_often_and_never_twice_at_a_time() -> None:
    spec = only(built(), "CronJob").inputs["spec"]
    assert spec["schedule"] == f"*/{EVERY_MINUTES} * * * *"
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] <= EVERY_MINUTES * 60


def test_it_has_rights_in_its_namespace_on_step_kinds_alone() -> None:
    assert not all_of(built(), "ClusterRole")
    kinds = {(rule["apiGroups"][0], kind) for rule in rules() for kind in rule["resources"]}
    assert kinds == {("batch", "jobs"), ("ray.io", "rayjobs"), ("kubeflow.org", "mpijobs")}
    assert {verb for rule in rules() for verb in rule["verbs"]} == {"get", "list", "delete", "patch"}


def test_it_may_change_the_runs_job_and_no_other() -> None:
    (changing,) = [rule for rule in rules() if "patch" in rule["verbs"]]
    assert changing["resourceNames"] == ["trainyard-run"]


def test_a_workbench_is_put_to_sleep_only_where_one_is_named() -> None:
    assert "--workbench=workbench" not in pod()["containers"][0]["args"]
    assert "--workbench=workbench" in pod(workbench="workbench")["containers"][0]["args"]
    more = [rule for rule in rules(workbench="workbench") if rule not in rules()]
    assert {(rule["resources"][0], *rule["verbs"], *rule["resourceNames"]) for rule in more} == {
        ("pods", "get", "workbench-0"),
        ("statefulsets/scale", "patch", "workbench"),
    }


def test_its_arguments_are_the_programs() -> None:
    (container,) = pod(workbench="workbench")["containers"]
    parsed = program_of_ttl.parser().parse_args(container["args"])
    assert (parsed.hours, parsed.run, parsed.workbench) == (24.0, "trainyard-run", "workbench")


def test_it_starts_once_it_has_its_rights_and_its_program() -> None:
    recording = built()
    assert waits_for(recording, "ttl-job") >= {"ttl-program", "ttl-rights-account", "ttl-rights-binding"}
    assert pod()["serviceAccountName"] == only(recording, "ServiceAccount").inputs["metadata"]["name"]
    assert pod()["volumes"][0]["configMap"]["name"] == BUNDLE.name


def test_its_pod_is_locked_down_but_for_its_token() -> None:
    (container,) = pod()["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["automountServiceAccountToken"] is True
