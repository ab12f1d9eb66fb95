"""The workbench: there when wanted, with devices only when asked for."""

from typing import Any

import pulumi

from components.workbench import Workbench, WorkbenchArgs
from stacks.recorder import Recording
from tests.components.recorded import only, recorded

NEURON = "aws.amazon.com/neuron"


def built(**more: Any) -> Recording:
    def program() -> None:
        workbench = Workbench("bench", WorkbenchArgs(namespace="training", claim="shared", **more))
        pulumi.export("shell", workbench.shell)
        pulumi.export("name", workbench.name)

    return recorded(program)


def stateful_set(**more: Any) -> dict[str, Any]:
    return dict(only(built(**more), "StatefulSet").inputs)


def pod(**more: Any) -> dict[str, Any]:
    return stateful_set(**more)["spec"]["template"]["spec"]


def test_its_pod_always_has_the_name_that_the_shell_command_says() -> None:
    made = stateful_set()
    assert (made["metadata"]["name"], made["spec"]["replicas"]) == ("workbench", 1)
    assert built().outputs["shell"] == "--namespace training exec --stdin --tty workbench-0 -- /bin/bash"


def test_without_devices_it_asks_for_none_and_stays_off_trainium_nodes() -> None:
    (container,) = pod()["containers"]
    assert NEURON not in container["resources"]["requests"]
    assert pod()["tolerations"] == []


def test_with_devices_it_gets_them_and_may_go_where_they_are() -> None:
    (container,) = pod(neuron_devices=16)["containers"]
    assert container["resources"]["requests"][NEURON] == container["resources"]["limits"][NEURON] == "16"
    assert {"key": NEURON, "operator": "Exists", "effect": "NoSchedule"} in pod(neuron_devices=16)["tolerations"]


def test_an_update_does_not_wait_for_a_machine_with_devices() -> None:
    assert stateful_set(neuron_devices=1)["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert not stateful_set()["metadata"]["annotations"]


def test_the_shared_volume_is_there_to_be_written_to() -> None:
    (container,) = pod()["containers"]
    (shared,) = [one for one in container["volumeMounts"] if one["name"] == "shared"]
    assert shared == {"name": "shared", "mountPath": "/shared", "readOnly": False}


def test_what_was_begun_by_hand_is_not_moved_to_a_cheaper_node() -> None:
    annotations = stateful_set()["spec"]["template"]["metadata"]["annotations"]
    assert annotations["karpenter.sh/do-not-disrupt"] == "true"


def test_it_is_nobody_unless_root_is_asked_for_and_never_gains_more() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod(user=0)["securityContext"] == {
        "runAsNonRoot": False,
        "runAsUser": 0,
        "runAsGroup": 0,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for made in (pod(), pod(user=0)):
        (container,) = made["containers"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert made["automountServiceAccountToken"] is False


def test_an_image_that_is_named_is_taken_as_it_is() -> None:
    (container,) = pod(image="own/image:1", mirror="registry.example")["containers"]
    assert container["image"] == "own/image:1"
    (container,) = pod(mirror="registry.example")["containers"]
    assert container["image"].startswith("registry.example/aws-cli/aws-cli:")
