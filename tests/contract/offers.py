"""What the settings of a stack say is there without it."""

from stacks.groups import NodeLabels
from stacks.settings import Settings
from workloads.hardware import PROCESSORS

from .model import PROVIDED, Given
from .nodes import EFA, INSTANCE, NEURON, NodeKind

TAINT = {"key": NEURON, "value": "present", "effect": "NoSchedule"}


def given(settings: Settings) -> Given:
    """A cluster of the user's own has what he says; a stack on AWS stands on nothing."""
    images = frozenset(settings.images.values())
    if settings.platform != "existing" or settings.fleet is None:
        return Given(images=images)
    own, instance = settings.existing, settings.fleet.instance
    trainium = NodeKind(
        name="existing.trainium",
        machine=instance,
        labels=own.trainium.selector or {INSTANCE: instance.name},
        taints=_taints(own.trainium) or (TAINT,),
    )
    return Given(
        namespaces=PROVIDED | ({own.namespace} if own.namespace else set()),
        claims=frozenset({(own.namespace, own.claim)} if own.namespace and own.claim else ()),
        nodes=(trainium, *(_processor(own.processors, index) for index in range(len(PROCESSORS)))),
        resources=frozenset({NEURON, EFA}) if settings.fleet.efa else frozenset({NEURON}),
        images=images,
    )


def _processor(labels: NodeLabels, index: int) -> NodeKind:
    return NodeKind(
        name="existing.processors", machine=PROCESSORS[index], labels=labels.selector, taints=_taints(labels)
    )


def _taints(labels: NodeLabels) -> tuple[dict[str, str], ...]:
    """The taints that the tolerations are there for."""
    plain = (one.model_dump(exclude_none=True) for one in labels.tolerations)
    return tuple({"key": one["key"], "value": one.get("value", ""), "effect": one.get("effect", "")} for one in plain)
