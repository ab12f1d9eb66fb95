"""A limit to what the training namespace asks for, which needs nothing of those within it."""

import pulumi

from components.guard.quota import Quota, QuotaArgs
from stacks.recorder import Recording
from tests.components.recorded import only, recorded


def built(devices: int = 32) -> Recording:
    def program() -> None:
        args = QuotaArgs(namespace="training", neuron_devices=devices, cpu=256, memory_gib=1024)
        pulumi.export("name", Quota("quota", args).name)

    return recorded(program)


def test_devices_cpu_and_memory_are_limited_in_the_training_namespace() -> None:
    quota = only(built(), "ResourceQuota").inputs
    assert quota["metadata"]["namespace"] == "training"
    assert quota["spec"]["hard"] == {
        "requests.aws.amazon.com/neuron": "32",
        "requests.cpu": "256",
        "requests.memory": "1024Gi",
    }


def test_no_devices_means_none() -> None:
    assert only(built(0), "ResourceQuota").inputs["spec"]["hard"]["requests.aws.amazon.com/neuron"] == "0"


def test_a_pod_that_asks_for_nothing_is_not_refused_for_it() -> None:
    (limit,) = only(built(), "LimitRange").inputs["spec"]["limits"]
    assert limit["type"] == "Container"
    assert set(limit["defaultRequest"]) == {"cpu", "memory"}
    assert "default" not in limit
