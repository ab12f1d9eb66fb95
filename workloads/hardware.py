"""The machines that steps run on: one table from which limits, world sizes, prices and checks all derive.

Sources, read 2026-11-21: Karpenter 1.14.1's instance-type reference and its price list for us-east-1 (generated
2026-07-20); AWS Neuron documentation for Trainium's cores and peak speed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

PRICE_REGION = "us-east-1"
PRICE_DATE = "2026-07-20"
PEAK_SOURCE = "dense bf16: 190 teraflops a Trainium device, 667 a Trainium2, by AWS's Neuron documentation"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """One EC2 instance type. Memory in GiB, price in USD an hour on demand (None: AWS lists none)."""

    name: str
    vcpus: int
    memory: int
    dollars_per_hour: float | None
    neuron_devices: int = 0
    neuron_cores: int = 0
    """NeuronCores that a program sees, one training process each. On trn2 two physical cores make one by default
    (logical NeuronCore configuration 2): 64 of its 128."""
    device_memory: int = 0
    efa_interfaces: int = 0
    instance_store_gb: int = 0
    peak_tflops: int = 0
    """Of all devices together, see `PEAK_SOURCE`; 0 where there is none."""


TRAINIUM = (
    InstanceType(
        name="trn1.2xlarge",
        vcpus=8,
        memory=32,
        dollars_per_hour=1.34375,
        neuron_devices=1,
        neuron_cores=2,
        device_memory=32,
        instance_store_gb=474,
        peak_tflops=190,
    ),
    InstanceType(
        name="trn1.32xlarge",
        vcpus=128,
        memory=512,
        dollars_per_hour=21.50,
        neuron_devices=16,
        neuron_cores=32,
        device_memory=512,
        efa_interfaces=8,
        instance_store_gb=7600,
        peak_tflops=16 * 190,
    ),
    InstanceType(
        name="trn1n.32xlarge",
        vcpus=128,
        memory=512,
        dollars_per_hour=24.78,
        neuron_devices=16,
        neuron_cores=32,
        device_memory=512,
        efa_interfaces=16,
        instance_store_gb=7600,
        peak_tflops=16 * 190,
    ),
    InstanceType(
        name="trn2.48xlarge",
        vcpus=192,
        memory=2048,
        dollars_per_hour=None,  # sold by capacity block: the price is in the offer
        neuron_devices=16,
        neuron_cores=64,
        device_memory=1536,
        efa_interfaces=16,
        instance_store_gb=7600,
        peak_tflops=16 * 667,
    ),
)

PROCESSORS = (
    InstanceType(name="m7i.2xlarge", vcpus=8, memory=32, dollars_per_hour=0.4032),
    InstanceType(name="m7i.4xlarge", vcpus=16, memory=64, dollars_per_hour=0.8064),
    InstanceType(name="r7i.4xlarge", vcpus=16, memory=128, dollars_per_hour=1.0584),
    InstanceType(name="m7i.8xlarge", vcpus=32, memory=128, dollars_per_hour=1.6128),
    InstanceType(name="r7i.8xlarge", vcpus=32, memory=256, dollars_per_hour=2.1168),
)
"""Machines without Neuron devices, cheapest first, that stand for what a CPU step gets. Their processors (generation 7)
have bf16 matrix units, which merging and testing a model of 8 billion weights makes use of."""

USABLE_SHARE = 0.9
"""Of a machine's memory, what pods may ask for: Karpenter takes 7.5% for the system, the rest is room for agents."""


def trainium(name: str) -> InstanceType:
    """The Trainium instance type `name`; KeyError where there is none."""
    return {instance.name: instance for instance in TRAINIUM}[name]


def trainium_names() -> tuple[str, ...]:
    return tuple(instance.name for instance in TRAINIUM)


def processor_for(vcpus: int, memory: int, among: Iterable[InstanceType] = PROCESSORS) -> InstanceType:
    """The cheapest machine without Neuron devices that has `vcpus` and lets a pod have `memory` GiB."""
    return next(one for one in among if one.vcpus >= vcpus and one.memory * USABLE_SHARE >= memory)
