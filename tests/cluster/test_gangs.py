"""RayJobs of a recipe, carried out by the real KubeRay and Volcano on fake trn1 nodes."""

from collections.abc import Iterator
from typing import Any

import pytest
from pulumi import automation as auto

from tests.engine.stack import EngineStack, skipping

from .conftest import eventually
from .control_plane import ControlPlane
from .dashboards import dashboards
from .kubelet import Behaviour, Kubelet
from .operators import kuberay, volcano
from .test_existing import names, once_each, ran
from .test_follow import follow

pytestmark = pytest.mark.tier("gangs")

STEPS = ["prepare", "compile", "train", "consolidate", "test", "keep"]
GROUP = "ray.io/v1"


@pytest.fixture(scope="module", autouse=True)
def _operators(
    plane: ControlPlane, machines: Kubelet, operators: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("gangs")
    with skipping(), volcano(plane, folder), dashboards(machines) as proxy, kuberay(plane, folder, proxy):
        yield


def on_ray(stack: EngineStack) -> EngineStack:
    """The Ray recipe on two nodes."""
    stack.config.update(
        recipe="llama2-7b-ray",
        nodes={"count": 2},
        existing={**stack.config["existing"], "operators": ["kuberay", "volcano"]},
        parameters={"tokenizer": "open/llama"},
    )
    return stack


@pytest.fixture
def ray(stack: EngineStack) -> EngineStack:
    return on_ray(stack)


def pods(plane: ControlPlane, namespace: str, *roles: str, step: str = "train") -> list[Any]:
    """A step's pods of Ray: head, worker, or what submits (which has no role)."""
    found = plane.objects("v1", "Pod").get(namespace=namespace, label_selector=f"trainyard.dev/step={step}").items
    return [one for one in found if one.metadata.labels.get("ray.io/node-type", "submitter") in roles]


def train(stack: EngineStack, machines: Kubelet, namespace: str) -> None:
    """Starts the recipe, and waits until its training was submitted: a head, two workers, and what submits."""
    stack.up(wait=False)
    eventually(lambda: ran(machines, namespace).count("train") == 4, 180)


def test_a_recipe_of_ray_jobs_is_carried_out_and_each_cluster_goes_when_its_job_has_ended(
    ray: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    ray.up()
    assert once_each(ran(machines, namespace)) == STEPS
    assert [one.status.jobStatus for one in plane.objects(GROUP, "RayJob").get(namespace=namespace).items] == [
        "SUCCEEDED",
        "SUCCEEDED",
    ]


def test_head_and_workers_start_as_one_gang_in_the_stacks_queue(
    ray: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(None)
    train(ray, machines, namespace)
    assert {one.spec.nodeName for one in pods(plane, namespace, "worker")} == {"trn1-0", "trn1-1"}
    assert {one.spec.schedulerName for one in pods(plane, namespace, "head", "worker")} == {"volcano"}
    groups = plane.objects("scheduling.volcano.sh/v1beta1", "PodGroup").get(namespace=namespace).items
    assert {one.spec.queue for one in groups} == {"trainyard-test"}
    assert [one.spec.minMember for one in groups if one.metadata.name.startswith("ray-train-")] == [3]


def test_a_program_that_gives_up_on_ray_ends_the_run_with_its_last_words(
    ray: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(2, log="reading\nerror: the data has no tokens")
    with pytest.raises(auto.CommandError) as error:
        ray.up()
    assert "step train" in str(error.value)
    assert "error: the data has no tokens" in str(error.value)
    eventually(lambda: pods(plane, namespace, "worker") == [])


def test_a_lost_worker_is_made_anew_and_the_training_goes_on(
    ray: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    training = machines.steps["train"] = Behaviour(None)
    train(ray, machines, namespace)
    lost = pods(plane, namespace, "worker")[0].metadata
    plane.objects("v1", "Pod").delete(lost.name, namespace=namespace)
    eventually(lambda: ran(machines, namespace).count("train") == 5)
    training.status = 0
    ray.up(wait=True)
    assert once_each(ran(machines, namespace)) == STEPS


def test_a_destroy_stops_a_ray_job_with_its_cluster_and_takes_the_queue_away(
    ray: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(None)
    train(ray, machines, namespace)
    ray.destroy()
    assert names(plane, namespace, "RayJob", GROUP) == []
    eventually(lambda: pods(plane, namespace, "head", "worker", "submitter") == [])
    queues = plane.objects("scheduling.volcano.sh/v1beta1", "Queue").get().items
    assert "trainyard-test" not in {one.metadata.name for one in queues}


def test_following_shows_what_the_program_says_and_not_the_pods_that_stand_ready(
    ray: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(None, log="step 7: loss 3.25")
    train(ray, machines, namespace)
    told = follow(plane, namespace, "--once")
    assert told.returncode == 0, told.stderr
    assert "step 7: loss 3.25" in told.stdout
