"""The MPI operator, from its definition and objects of the project's own."""

from typing import Any

from components.operators.mpi import MpiOperator, MpiOperatorArgs
from components.operators.volcano import Volcano, VolcanoArgs
from components.versions import MPI_OPERATOR, MPI_OPERATOR_CRD
from stacks.recorder import Recording
from tests.components.recorded import only, recorded, waits_for


def built(gangs: bool = False) -> Recording:
    def program() -> None:
        scheduler = Volcano("volcano", VolcanoArgs()).scheduler if gangs else None
        MpiOperator("mpi", MpiOperatorArgs(scheduler=scheduler, node_selector={"role": "core"}))

    return recorded(program)


def pod(recording: Recording) -> dict[str, Any]:
    return only(recording, "Deployment").inputs["spec"]["template"]["spec"]


def arguments(recording: Recording) -> list[str]:
    (container,) = pod(recording)["containers"]
    return container["args"]


def test_the_definition_is_the_releases_own() -> None:
    assert only(built(), "ConfigFile").inputs["file"] == MPI_OPERATOR_CRD
    assert f"/v{MPI_OPERATOR}/" in MPI_OPERATOR_CRD
    assert pod(built())["containers"][0]["image"].endswith(f":{MPI_OPERATOR}")


def test_the_operator_starts_once_definition_and_rights_are_there() -> None:
    waits = waits_for(built(), "mpi-deployment")
    assert waits >= {"mpi-definition", "mpi-rights-cluster-binding", "mpi-rights-binding", "mpi-namespace"}


def test_alone_it_starts_no_gangs() -> None:
    assert not [one for one in arguments(built()) if "gang" in one]


def test_with_volcano_it_waits_for_it_and_starts_gangs() -> None:
    recording = built(gangs=True)
    assert "--gang-scheduling=volcano" in arguments(recording)
    assert "volcano-chart" in waits_for(recording, "mpi-deployment")


def test_it_may_do_no_more_than_its_source_asks_for() -> None:
    made = [only(built(), kind).inputs["rules"] for kind in ("ClusterRole", "rbac.authorization.k8s.io/v1:Role")]
    rules = [rule for role in made for rule in role]
    every = {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
    assert not {one for one in every if "*" in one}
    assert not {"pods/exec", "customresourcedefinitions", "nodes"} & {resource for resource, _ in every}
    assert ("secrets", "get") not in every
    assert ("secrets", "delete") not in every


def test_its_lock_is_in_its_own_namespace_alone() -> None:
    recording = built()
    cluster = only(recording, "ClusterRole").inputs["rules"]
    assert "leases" not in {resource for rule in cluster for resource in rule["resources"]}
    assert only(recording, "rbac.authorization.k8s.io/v1:Role").inputs["metadata"]["namespace"] == "mpi-operator"


def test_its_pod_is_locked_down() -> None:
    made = pod(built())
    (container,) = made["containers"]
    assert made["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["resources"]["limits"]["memory"]
    assert made["nodeSelector"] == {"role": "core"}
