"""What all pods of the training namespace may ask for together."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from ..pods import NEURON, metadata

NAME = "training"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaArgs:
    namespace: pulumi.Input[str]
    neuron_devices: int
    """0 where nothing may ask for any."""
    cpu: int
    """vCPUs."""
    memory_gib: int


class Quota(pulumi.ComponentResource):
    """A limit to what the namespace's pods ask for, whoever starts them. It costs nothing.

    A pod beyond it is refused by the API server, and its Job waits and says so. Where a quota counts CPU and memory
    each container has to ask for some: one that does not is taken to ask for a little.
    """

    name: pulumi.Output[str]

    def __init__(self, name: str, args: QuotaArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Quota", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        about = metadata(NAME, args.namespace)
        core.v1.LimitRange(
            f"{name}-defaults",
            metadata=about,
            spec={"limits": [{"type": "Container", "default_request": {"cpu": "100m", "memory": "128Mi"}}]},
            opts=inner,
        )
        quota = core.v1.ResourceQuota(f"{name}-quota", metadata=about, spec={"hard": hard(args)}, opts=inner)
        self.name = quota.metadata.apply(lambda _: NAME)
        self.register_outputs({"name": self.name})


def hard(args: QuotaArgs) -> dict[str, pulumi.Input[str]]:
    """The quota's limits. Of an extended resource Kubernetes counts requests only, which equal its limits."""
    return {
        f"requests.{NEURON}": str(args.neuron_devices),
        "requests.cpu": str(args.cpu),
        "requests.memory": f"{args.memory_gib}Gi",
    }
