"""MPIJobs of a recipe, carried out by the real MPI operator on fake trn1 nodes."""

from collections.abc import Iterator
from typing import Any

import pytest
from pulumi import automation as auto

from tests.engine.stack import EngineStack, skipping

from .conftest import eventually
from .control_plane import ControlPlane
from .kubelet import Behaviour, Kubelet
from .operators import mpi_operator
from .test_existing import names, once_each, ran
from .test_follow import follow

pytestmark = pytest.mark.tier("operators")

STEPS = ["tokenizer", "download", "tokenize", "compile", "train", "convert", "test", "keep"]
GROUP = "kubeflow.org/v2beta1"


@pytest.fixture(scope="module", autouse=True)
def _operator(plane: ControlPlane, operators: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with skipping(), mpi_operator(plane, tmp_path_factory.mktemp("mpi-operator")):
        yield


@pytest.fixture
def megatron(stack: EngineStack) -> EngineStack:
    """The Megatron recipe on two nodes."""
    image = "registry.test/neuronx-nemo-megatron:1"
    stack.config.update(
        recipe="llama2-7b-megatron",
        nodes={"count": 2},
        existing={**stack.config["existing"], "operators": ["mpi-operator"]},
        images={**stack.config["images"], "neuronx-nemo-megatron": image},
        parameters={"tokenizer": "open/llama"},
    )
    return stack


def in_order(machines: Kubelet, namespace: str) -> bool:
    """Whether all steps ran, each after those it needs: the first two need none."""
    told = once_each(ran(machines, namespace))
    return sorted(told[:2]) == sorted(STEPS[:2]) and told[2:] == STEPS[2:]


def pods(plane: ControlPlane, namespace: str, role: str) -> list[Any]:
    selector = f"training.kubeflow.org/job-role={role},trainyard.dev/step=train"
    return list(plane.objects("v1", "Pod").get(namespace=namespace, label_selector=selector).items)


def train(stack: EngineStack, machines: Kubelet, namespace: str) -> None:
    """Starts the recipe, and waits until its training runs: two workers and a launcher."""
    stack.up(wait=False)
    eventually(lambda: ran(machines, namespace).count("train") == 3, 120)


def test_a_recipe_of_mpi_jobs_is_carried_out_and_its_workers_free_their_nodes(
    megatron: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    megatron.up()
    assert in_order(machines, namespace)
    started = [one.pod for one in machines.started if one.namespace == namespace and one.step == "train"]
    assert ["launcher" in pod for pod in started] == [False, False, True]
    eventually(lambda: pods(plane, namespace, "worker") == [])
    assert len(pods(plane, namespace, "launcher")) == 1


def test_each_worker_of_an_mpi_job_has_a_whole_node(
    megatron: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(None)
    train(megatron, machines, namespace)
    workers = pods(plane, namespace, "worker")
    assert {one.spec.nodeName for one in workers} == {"trn1-0", "trn1-1"}
    names_of_pods = {f"{one.spec.hostname}.{one.spec.subdomain}" for one in workers}
    (launcher,) = pods(plane, namespace, "launcher")
    (hosts,) = [word for word in launcher.spec.containers[0].command if word.startswith("--hosts=")]
    assert set(hosts.removeprefix("--hosts=").split(",")) == names_of_pods


def test_a_program_that_gives_up_ends_the_run_with_its_last_words_and_frees_the_nodes(
    megatron: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(2, log="reading\nerror: the data has no tokens")
    with pytest.raises(auto.CommandError) as error:
        megatron.up()
    assert "step train" in str(error.value)
    assert "error: the data has no tokens" in str(error.value)
    eventually(lambda: pods(plane, namespace, "worker") == [])


def test_a_worker_that_went_with_its_node_is_made_anew_and_the_training_goes_on(
    megatron: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    training = machines.steps["train"] = Behaviour(None)
    train(megatron, machines, namespace)
    lost = pods(plane, namespace, "worker")[0].metadata
    plane.objects("v1", "Pod").delete(lost.name, namespace=namespace)
    eventually(lambda: ran(machines, namespace).count("train") == 4)
    training.status = 0
    megatron.up(wait=True)
    assert in_order(machines, namespace)


def test_a_worker_that_failed_has_the_whole_job_made_anew(
    megatron: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(None)
    train(megatron, machines, namespace)
    machines.steps["train"] = Behaviour(0)
    before = plane.objects(GROUP, "MPIJob").get(namespace=namespace, label_selector="trainyard.dev/step=train").items
    evicted = pods(plane, namespace, "worker")[0].metadata.name
    status = {"status": {"phase": "Failed", "reason": "Evicted", "message": "the node was low on memory"}}
    plane.objects("v1", "Pod").status.patch(
        {"metadata": {"name": evicted}, **status}, namespace=namespace, content_type="application/merge-patch+json"
    )
    megatron.up(wait=True)
    after = plane.objects(GROUP, "MPIJob").get(namespace=namespace, label_selector="trainyard.dev/step=train").items
    assert [one.metadata.name for one in after] == [one.metadata.name for one in before]
    assert [one.metadata.uid for one in after] != [one.metadata.uid for one in before]


def test_a_destroy_stops_an_mpi_job_with_all_its_pods(
    megatron: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(None)
    train(megatron, machines, namespace)
    megatron.destroy()
    assert names(plane, namespace, "MPIJob", GROUP) == []
    assert pods(plane, namespace, "worker") + pods(plane, namespace, "launcher") == []


def test_following_shows_what_the_program_says_and_not_the_pods_that_stand_ready(
    megatron: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(None, log="step 7: loss 3.25")
    train(megatron, machines, namespace)
    told = follow(plane, namespace, "--once")
    assert told.returncode == 0, told.stderr
    assert "step 7: loss 3.25" in told.stdout
