"""KubeRay: gangs only where Volcano is."""

from components.operators.kuberay import KubeRay, KubeRayArgs, values
from components.operators.volcano import Volcano, VolcanoArgs
from stacks.recorder import Recording
from tests.components.recorded import all_of, only, recorded, waits_for


def built(gangs: bool) -> Recording:
    def program() -> None:
        scheduler = Volcano("volcano", VolcanoArgs()).scheduler if gangs else None
        KubeRay("kuberay", KubeRayArgs(scheduler=scheduler))

    return recorded(program)


def test_alone_it_leaves_pods_to_the_clusters_own_scheduler() -> None:
    recording = built(gangs=False)
    assert "batchScheduler" not in only(recording, "Chart").inputs["values"]
    assert not all_of(recording, "Release")


def test_with_volcano_it_waits_for_it_and_hands_it_all_clusters() -> None:
    recording = built(gangs=True)
    assert only(recording, "Chart").inputs["values"]["batchScheduler"] == {"name": "volcano"}
    assert "volcano-chart" in waits_for(recording, "kuberay-chart")


def test_it_is_a_tree_of_resources_in_a_namespace_of_its_own() -> None:
    recording = built(gangs=False)
    assert only(recording, "Namespace").inputs["metadata"]["name"] == "kuberay-system"
    assert only(recording, "Chart").inputs["namespace"] == "kuberay-system"
    assert "kuberay-namespace" in waits_for(recording, "kuberay-chart")


def test_the_operator_has_more_than_a_tenth_of_a_cpu_at_most() -> None:
    assert values(KubeRayArgs())["resources"]["limits"]["cpu"] == "1"
