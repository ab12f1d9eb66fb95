"""The table of machines: what derives from it agrees with it."""

import pytest

from workloads import hardware


@pytest.mark.parametrize("instance", hardware.TRAINIUM, ids=lambda instance: instance.name)
def test_every_neuron_device_has_as_many_cores_as_the_next(instance: hardware.InstanceType) -> None:
    assert instance.neuron_cores % instance.neuron_devices == 0
    assert instance.device_memory % instance.neuron_devices == 0


def test_only_the_smallest_has_no_efa() -> None:
    assert [one.name for one in hardware.TRAINIUM if not one.efa_interfaces] == ["trn1.2xlarge"]


def test_processors_come_cheapest_first_and_have_a_price() -> None:
    prices = [one.dollars_per_hour for one in hardware.PROCESSORS]
    assert None not in prices
    assert prices == sorted(prices)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("vcpus", "memory", "name"), [(8, 24, "m7i.2xlarge"), (8, 100, "r7i.4xlarge"), (32, 100, "m7i.8xlarge")]
)
def test_a_cpu_step_gets_the_cheapest_machine_that_fits(vcpus: int, memory: int, name: str) -> None:
    assert hardware.processor_for(vcpus, memory).name == name


def test_a_pod_never_gets_the_whole_of_a_machines_memory() -> None:
    assert hardware.processor_for(16, 128).memory > 128
