"""The platform `existing` from end to end: the real engine, a real control plane, the run carried out for real."""

import json
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from kubernetes import client
from pulumi import automation as auto
from pulumi.automation.events import EngineEvent

from components.run import NAME
from stacks.guarding import OVERRIDE
from tests.engine.stack import EngineStack, interrupt

from .conftest import eventually, volume
from .control_plane import ControlPlane
from .kubelet import Behaviour, Kubelet

STEPS = ["prepare", "compile", "train", "consolidate", "test", "keep"]
UNTIL_TRAINED = STEPS[: STEPS.index("train") + 1]
FROM_TRAINING = STEPS[STEPS.index("train") :]
NOTHING_NEW = {"same", "read"}


def ran(machines: Kubelet, namespace: str) -> list[str]:
    """The steps whose pods ran in a namespace, in order."""
    return [one.step for one in machines.started if one.namespace == namespace]


def once_each(steps: list[str]) -> list[str]:
    """`steps` in order, each told once however many pods it had."""
    return list(dict.fromkeys(steps))


def names(plane: ControlPlane, namespace: str, kind: str = "Job", version: str = "batch/v1") -> list[str]:
    return [one.metadata.name for one in plane.objects(version, kind).get(namespace=namespace).items]


def changes(result: auto.UpResult) -> set[str]:
    return set(result.summary.resource_changes or {})


def parameters(**changed: Any) -> dict[str, Any]:
    return {"model": "open/llama", "tokenizer": "open/llama", **changed}


def test_an_update_carries_out_every_step_in_order_and_the_next_one_changes_nothing(
    stack: EngineStack, machines: Kubelet, namespace: str
) -> None:
    assert stack.preview().change_summary
    assert ran(machines, namespace) == []
    result = stack.up()
    assert ran(machines, namespace) == STEPS
    assert result.outputs["model"].value.startswith("/shared/runs/llama3-8b-text-to-sql/consolidate-")
    assert changes(stack.up()) <= NOTHING_NEW
    assert ran(machines, namespace) == STEPS


def test_a_changed_learning_rate_stops_the_old_training_first_and_prepares_nothing_again(
    stack: EngineStack, machines: Kubelet, namespace: str
) -> None:
    machines.steps["train"] = Behaviour(None)
    stack.up(wait=False)
    eventually(lambda: ran(machines, namespace) == UNTIL_TRAINED)
    machines.steps["train"] = Behaviour(0)
    stack.up(wait=True, parameters=parameters(learning_rate=2e-5))
    assert ran(machines, namespace) == [*UNTIL_TRAINED, *STEPS[1:]]
    first, second = (one for one in machines.started if one.namespace == namespace and one.step == "train")
    assert first.pod not in second.beside


def test_a_failed_step_gives_its_reason_and_the_next_update_goes_on_from_it(
    stack: EngineStack, machines: Kubelet, namespace: str
) -> None:
    machines.steps["train"] = Behaviour(2, log="reading\nerror: the data has no tokens")
    with pytest.raises(auto.CommandError) as error:
        stack.up()
    assert "step train" in str(error.value)
    assert "exit status 2" in str(error.value)
    assert "error: the data has no tokens" in str(error.value)
    machines.steps["train"] = Behaviour(0)
    stack.up()
    assert ran(machines, namespace) == [*UNTIL_TRAINED, *FROM_TRAINING]


def test_a_recipe_switched_there_and_back_runs_nothing_twice(
    stack: EngineStack, machines: Kubelet, namespace: str
) -> None:
    for recipe in ("llama3-8b-text-to-sql", "llama3-8b-lora", "llama3-8b-text-to-sql", "llama3-8b-lora"):
        stack.up(recipe=recipe)
    assert ran(machines, namespace) == [*STEPS, *STEPS]


def test_a_refresh_finds_no_drift(stack: EngineStack) -> None:
    stack.up()
    drifted: list[str] = []

    def look(event: EngineEvent) -> None:
        if event.res_outputs_event and event.res_outputs_event.metadata.op.value == "update":
            drifted.append(event.res_outputs_event.metadata.urn.rpartition("::")[2])

    stack.refresh(on_event=look)
    # of what a stack only reads, the Kubernetes plugin completes its own notes the first time
    assert set(drifted) <= {"namespace", "shared"}
    assert set(stack.refresh().summary.resource_changes or {}) <= NOTHING_NEW


def test_a_destroy_stops_what_runs_and_leaves_the_claim_and_nothing_else(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(None)
    stack.up(wait=False)
    eventually(lambda: ran(machines, namespace) == UNTIL_TRAINED)
    stack.destroy()
    assert stack.resources() == []
    for kind, version in (("Job", "batch/v1"), ("Pod", "v1"), ("Role", "rbac.authorization.k8s.io/v1")):
        assert names(plane, namespace, kind, version) == []
    assert names(plane, namespace, "ConfigMap", "v1") == ["kube-root-ca.crt"]
    assert names(plane, namespace, "ServiceAccount", "v1") == ["default"]
    assert names(plane, namespace, "PersistentVolumeClaim", "v1") == ["shared"]
    assert list((machines.shared(namespace) / "runs").rglob("_SUCCESS"))


def after(count: int, number: int) -> Callable[[EngineEvent], None]:
    """Sends a signal to the engine when it has said so many things about resources."""
    seen: list[EngineEvent] = []

    def look(event: EngineEvent) -> None:
        if event.resource_pre_event or event.res_outputs_event:
            seen.append(event)
            if len(seen) == count:
                interrupt(number)

    return look


@pytest.mark.parametrize("count", [14, 45])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_update_interrupted_anywhere_is_taken_up_by_the_next(
    stack: EngineStack, machines: Kubelet, namespace: str, count: int, number: int
) -> None:
    with suppress(auto.CommandError):
        stack.up(on_event=after(count, number))
    if number == signal.SIGKILL:
        stack.unlock()
    stack.up()
    assert ran(machines, namespace) == STEPS
    assert changes(stack.up()) <= NOTHING_NEW


def test_an_update_interrupted_while_it_waits_leaves_the_run_at_work(
    stack: EngineStack, machines: Kubelet, namespace: str
) -> None:
    training = machines.steps["train"] = Behaviour(None)

    def stop_when_training() -> None:
        eventually(lambda: "train" in ran(machines, namespace))
        interrupt()

    watcher = threading.Thread(target=stop_when_training)
    watcher.start()
    with suppress(auto.CommandError):
        stack.up()
    watcher.join()
    assert len(machines.processes(namespace)) == 1
    training.status = 0
    stack.up()
    assert ran(machines, namespace) == STEPS


def test_a_run_evicted_again_and_again_starts_no_step_twice(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps.update({step: Behaviour(0, seconds=2) for step in STEPS})
    core, done = client.CoreV1Api(plane.api), threading.Event()

    def evict() -> None:
        while not done.wait(1.5):
            found: Any = core.list_namespaced_pod(namespace, label_selector=f"job-name={NAME}")
            for pod in found.items:
                if pod.status.phase == "Running":
                    eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name=pod.metadata.name))
                    core.create_namespaced_pod_eviction(pod.metadata.name, namespace, eviction)

    evictor = threading.Thread(target=evict)
    evictor.start()
    try:
        stack.up()
    finally:
        done.set()
        evictor.join()
    assert ran(machines, namespace) == STEPS


def test_several_nodes_train_together_in_one_indexed_job(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    machines.steps["train"] = Behaviour(None)
    stack.up(wait=False, nodes={"count": 2})
    eventually(lambda: ran(machines, namespace) == ["prepare", "compile", "compile", "train", "train"])
    pods = plane.objects("v1", "Pod").get(namespace=namespace, label_selector="trainyard.dev/step=train").items
    assert {pod.spec.nodeName for pod in pods} == {"trn1-0", "trn1-1"}
    services = plane.objects("v1", "Service")
    (service,) = services.get(namespace=namespace, label_selector="trainyard.dev/step=train").items
    assert {pod.spec.subdomain for pod in pods} == {service.metadata.name}
    assert {pod.spec.hostname for pod in pods} == {f"{service.metadata.name}-0", f"{service.metadata.name}-1"}


def test_the_commands_that_an_update_prints_work_as_they_are(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    outputs = stack.up().outputs
    assert f"all {len(STEPS)} steps are done" in plane.kubectl(outputs["follow"].value)
    assert "carried out" in plane.kubectl(outputs["logs"].value)
    assert all(step in plane.kubectl(outputs["pods"].value) for step in STEPS)
    assert "deleted" in plane.kubectl(outputs["stop"].value)
    for command in outputs["fetch"].value.values():
        dry = command.replace(" run fetch --quiet --rm --stdin", " run fetch --dry-run=server").partition(" | tar")[0]
        assert "fetch" in plane.kubectl(dry)


def test_a_training_can_go_on_from_an_earlier_one(
    stack: EngineStack, machines: Kubelet, namespace: str, plane: ControlPlane
) -> None:
    hashes = stack.up().outputs["steps"].value
    stack.up(parameters=parameters(max_steps=500), resumeFrom=f"train-{hashes['train']}")
    assert ran(machines, namespace) == [*STEPS, *FROM_TRAINING]
    jobs = plane.objects("batch/v1", "Job").get(namespace=namespace, label_selector="trainyard.dev/step=train").items
    (command,) = (job.spec.template.spec.containers[0].command for job in jobs)
    assert command[command.index("--resume_from") + 1].endswith(f"/train-{hashes['train']}")


def test_a_token_reaches_the_steps_and_stands_nowhere_in_clear(
    stack: EngineStack, namespace: str, plane: ControlPlane
) -> None:
    token = "hf_" + "s3cr3t" * 5
    stack.secrets["hfToken"] = token
    stack.up(parameters={})
    kept = [*(stack.folder / "state").rglob("*.json*"), *(stack.folder / "work").glob("*.yaml")]
    assert kept
    assert not [path for path in kept if token in path.read_text()]
    for kind, version in (("ConfigMap", "v1"), ("Job", "batch/v1"), ("Pod", "v1")):
        text = json.dumps(plane.objects(version, kind).get(namespace=namespace).to_dict(), default=str)
        assert token not in text
    secret = plane.objects("v1", "Secret").get(namespace=namespace, name="hugging-face")
    assert list(dict(secret.data)) == ["token"]


def test_a_claim_and_a_namespace_of_the_stacks_own_outlive_it_with_what_they_hold_unless_told_otherwise(
    stack: EngineStack, machines: Kubelet, plane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane.objects("v1", "PersistentVolume").create(volume(f"{namespace}-own"))
    own = {"kubeconfig": stack.config["existing"]["kubeconfig"], "storageClass": f"{namespace}-own", "storage": "1Ti"}
    stack.up(existing=own)
    assert ran(machines, "trainyard-test") == STEPS
    stack.destroy()
    assert names(plane, "trainyard-test", "PersistentVolumeClaim", "v1") == ["trainyard"]
    assert names(plane, "trainyard-test") == []
    stack.up(existing=own, results={"keep": False})
    assert ran(machines, "trainyard-test") == STEPS
    with pytest.raises(auto.CommandError, match="goes with this stack"):
        stack.destroy()
    monkeypatch.setenv(OVERRIDE, "1")
    stack.destroy()
    left = [one.metadata.name for one in plane.objects("v1", "Namespace").get().items]
    assert "trainyard-test" not in left
