"""What a stack costs: by the hour, for a month in which it is forgotten, and for one run. From a recording alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from workloads.recipes.step import Neuron

from . import prices
from .prices import HOURS_A_MONTH
from .recorder import Recorded
from .run import Run
from .run_price import held, hourly, machine_price, nodes_hour, total

NEURON = "aws.amazon.com/neuron"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is paid for by the hour, busy or not; None where no price is known."""

    what: str
    dollars_per_hour: float | None


@dataclass(frozen=True, slots=True)
class RunPrice:
    """One run of all the chosen steps. None where a machine has no listed price."""

    steps: float | None
    waiting: float | None
    """What its machines cost while they start, pull the image, and stay idle afterwards."""
    machines: float | None
    """Both together: what `trainyard:maxSpend` bounds."""
    platform: float | None
    """What stands anyway, for as long as the run takes, and its machines' volumes."""
    total: float | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Dollars an hour on demand: with the Trainium nodes at work; with the last step's machine idle and about to go;
    and with no such node left."""

    lines: tuple[Line, ...]
    training: float | None
    idle: float | None
    scaled_down: float | None
    month: float | None
    """What a month costs if the stack is forgotten, all nodes gone."""
    run: RunPrice
    unknown: tuple[str, ...]
    """What no price is known for: it is in none of the sums, which then are None."""
    by_use: tuple[str, ...]
    """What is paid for by use, on top."""


def receipt(resources: Sequence[Recorded], run: Run, idle: timedelta) -> Receipt | None:
    """None where nothing of AWS is stood up. `idle` is how long a node without work stays."""
    if not any(one.type.startswith(("aws:", "eks:")) for one in resources):
        return None
    stand = _Stand({one.urn: one for one in resources}, run)
    lines = standing(stand)
    scaled_down = total(line.dollars_per_hour for line in lines)
    trains = [hourly(step, stand.node_gib) for step in run.chosen if isinstance(step.placement, Neuron)]
    most = None if None in trains else max((one for one in trains if one is not None), default=0.0)
    return Receipt(
        lines=lines,
        training=total((scaled_down, most)),
        idle=total((scaled_down, hourly(run.chosen[-1], stand.node_gib))),
        scaled_down=scaled_down,
        month=None if scaled_down is None else scaled_down * HOURS_A_MONTH,
        run=_run_price(run, idle, scaled_down, stand.node_gib),
        unknown=(*(line.what for line in lines if line.dollars_per_hour is None), *_unlisted(run)),
        by_use=tuple(said for kind, said in prices.BY_USE.items() if any(one.type == kind for one in resources)),
    )


@dataclass(frozen=True, slots=True)
class _Stand:
    """What is stood up, by URN, and for what."""

    resources: Mapping[str, Recorded]
    run: Run

    @property
    def node_gib(self) -> float:
        """The root volume of a node that a step brings: the largest, be it told to Karpenter or to a node group."""
        classes = (volume_gib(one.inputs.get("spec", {})) for one in self.resources.values() if one.type == NODE_CLASS)
        groups = (self.template_gib(one) for one in self.resources.values() if one.type == NODE_GROUP)
        return max((*classes, *groups), default=0.0)

    def template_gib(self, group: Recorded) -> float:
        """The root volume of a node group's nodes: their launch template has it."""
        named = group.request.propertyDependencies["launchTemplate"].urns
        templates = [self.resources[urn] for urn in named if urn in self.resources]
        return max((volume_gib(one.inputs) for one in templates), default=0.0)


NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


def volume_gib(node: Mapping[str, Any]) -> float:
    """GiB of a node's volumes, as a launch template or a node class has them."""
    sizes = [mapping.get("ebs", {}).get("volumeSize", 0) for mapping in node.get("blockDeviceMappings", [])]
    return sum(float(str(size).removesuffix("Gi")) for size in sizes)


def standing(stand: _Stand) -> tuple[Line, ...]:
    """What is paid for by the hour while no step runs. A type that no price table has gets a line without a price."""
    found: list[Line] = []
    for one in stand.resources.values():
        if one.type in PRICED:
            found += PRICED[one.type](one, stand)
        elif one.type.startswith("aws:") and one.type not in prices.BY_USE and not one.type.startswith(prices.FREE):
            found.append(Line(f"{one.name} ({one.type})", None))
    return tuple(sorted(found, key=lambda line: (-(line.dollars_per_hour or 0.0), line.what)))


def _run_price(run: Run, idle: timedelta, standing_hour: float | None, gib: float) -> RunPrice:
    machines = machine_price(run.chosen, idle)
    volumes = prices.volume_hour(gib) * sum((one.nodes + len(one.beside)) * one.hours for one in machines.each)
    hours = sum(held(step, timedelta()) for step in run.chosen) / 60
    platform = None if standing_hour is None else standing_hour * hours + volumes
    return RunPrice(machines.steps, machines.waiting, machines.total, platform, total((machines.total, platform)))


def _unlisted(run: Run) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step.placement.machine for step in run.chosen if hourly(step) is None))


def _cluster(one: Recorded, stand: _Stand) -> list[Line]:
    return [Line("EKS control plane", prices.CLUSTER_HOUR.dollars)]


def _nat(one: Recorded, stand: _Stand) -> list[Line]:
    return [Line("NAT gateway", prices.NAT_HOUR.dollars)]


def _address(one: Recorded, stand: _Stand) -> list[Line]:
    return [Line("public address", prices.ADDRESS_HOUR.dollars)]


def _key(one: Recorded, stand: _Stand) -> list[Line]:
    return [Line("KMS key", prices.KEY_MONTH.dollars / HOURS_A_MONTH)]


def _endpoint(one: Recorded, stand: _Stand) -> list[Line]:
    if one.inputs.get("vpcEndpointType") != "Interface":
        return []
    return [Line(f"interface endpoint {one.name}", prices.ENDPOINT_HOUR.dollars * len(one.inputs["subnetIds"]))]


def _lustre(one: Recorded, stand: _Stand) -> list[Line]:
    gib, speed = one.inputs["storageCapacity"], one.inputs["perUnitStorageThroughput"]
    price = prices.LUSTRE_GB_MONTH.get(speed)
    what = f"FSx for Lustre, {gib:g} GiB at {speed:g} MB/s for each TiB"
    return [Line(what, price and gib * price.dollars / HOURS_A_MONTH)]


def _node_group(one: Recorded, stand: _Stand) -> list[Line]:
    """What a group never goes below; what comes and goes above it belongs to steps."""
    count, kinds = one.inputs["scalingConfig"]["minSize"], one.inputs.get("instanceTypes") or ["of unknown type"]
    if not count:
        return []
    return [Line(f"{count:g} × {kinds[0]}", nodes_hour(kinds[0], count, stand.template_gib(one)))]


def _release(one: Recorded, stand: _Stand) -> list[Line]:
    """A chart's volume: of those here only Prometheus has one."""
    at: Any = one.inputs.get("values", {})
    for name in ("prometheus", "prometheusSpec", "storageSpec", "volumeClaimTemplate", "spec", "resources", "requests"):
        at = at.get(name, {}) if isinstance(at, Mapping) else {}
    size = at.get("storage") if isinstance(at, Mapping) else None
    return [Line(f"volume of {one.name}, {size}", prices.volume_hour(float(size.removesuffix("Gi"))))] if size else []


def _service(one: Recorded, stand: _Stand) -> list[Line]:
    balanced = one.inputs.get("spec", {}).get("type") == "LoadBalancer"
    return [Line(f"load balancer of {one.name}", prices.BALANCER_HOUR.dollars)] if balanced else []


def _workload(one: Recorded, stand: _Stand) -> list[Line]:
    """What always holds Neuron devices, as a workbench does, holds a whole Trainium node."""
    spec = one.inputs.get("spec", {})
    containers = spec.get("template", {}).get("spec", {}).get("containers", [])
    devices = any(NEURON in container.get("resources", {}).get("limits", {}) for container in containers)
    if not devices or stand.run.fleet is None:
        return []
    name, count = stand.run.fleet.instance.name, spec.get("replicas", 1)
    return [Line(f"{count:g} × {name}, held by {one.name}", nodes_hour(name, count, stand.node_gib))]


PRICED: Mapping[str, Callable[[Recorded, _Stand], list[Line]]] = {
    "eks:index:Cluster": _cluster,
    "aws:ec2/natGateway:NatGateway": _nat,
    "aws:ec2/eip:Eip": _address,
    "aws:kms/key:Key": _key,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:fsx/lustreFileSystem:LustreFileSystem": _lustre,
    NODE_GROUP: _node_group,
    "kubernetes:helm.sh/v3:Release": _release,
    "kubernetes:core/v1:Service": _service,
    "kubernetes:apps/v1:StatefulSet": _workload,
    "kubernetes:apps/v1:Deployment": _workload,
}
