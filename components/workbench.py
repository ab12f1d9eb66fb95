"""A pod to work in by hand, beside the steps: the shared volume, a shell, and Neuron devices if asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import apps, core

from .mirror import mirrored
from .pods import (
    NEURON,
    NOBODY,
    metadata,
    resources,
    scratch,
    selector,
    shared_mount,
    shared_volume,
    template,
    user,
)
from .versions import AWS_CLI_IMAGE

NAME = "workbench"
POD = f"{NAME}-0"

UNMOVED = {"karpenter.sh/do-not-disrupt": "true"}
"""What somebody has begun by hand is not to be ended for the sake of a cheaper node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbenchArgs:
    namespace: pulumi.Input[str]
    claim: pulumi.Input[str]
    """The shared volume's."""
    image: pulumi.Input[str] | None = None
    """None: a small one with a shell and the AWS CLI. With devices, the image that trains."""
    neuron_devices: int = 0
    """All devices of a node, or none: a step that takes whole nodes shares none with a workbench."""
    cpu: str = "500m"
    memory: str = "2Gi"
    user: int = NOBODY
    """0 to write where steps have written, which run as root in the Neuron images."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[core.v1.TolerationArgsDict, ...] = ()
    mirror: str | None = None


class Workbench(pulumi.ComponentResource):
    """One pod, always of the same name, that does nothing until somebody opens a shell in it.

    Without devices it costs its share of a node. With devices it holds a whole Trainium node for as long as it is there
    (USD 21.50 an hour for a trn1.32xlarge: hardware.py has the source): the guard's `ttl` ends that.
    """

    name: pulumi.Output[str]
    """The StatefulSet's name; scaled to 0, it lets its node go."""
    shell: pulumi.Output[str]
    """What follows `kubectl` to open a shell in it."""

    def __init__(self, name: str, args: WorkbenchArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Workbench", name, {}, opts)
        # a machine with devices may be hours in coming: that is no reason to hold up, or to fail, an update
        waits = {"pulumi.com/skipAwait": "true"} if args.neuron_devices else {}
        stateful_set = apps.v1.StatefulSet(
            f"{name}-pod",
            metadata=metadata(NAME, args.namespace, waits),
            spec={
                "replicas": 1,
                "service_name": NAME,
                "selector": {"match_labels": selector(NAME)},
                "template": template(NAME, pod(args), UNMOVED),
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = stateful_set.metadata.apply(lambda _: NAME)
        self.shell = pulumi.Output.all(args.namespace, self.name).apply(
            lambda known: f"--namespace {known[0]} exec --stdin --tty {POD} -- /bin/bash"
        )
        self.register_outputs({"name": self.name, "shell": self.shell})


def pod(args: WorkbenchArgs) -> core.v1.PodSpecArgsDict:
    devices = {NEURON: str(args.neuron_devices)} if args.neuron_devices else {}
    taint: core.v1.TolerationArgsDict = {"key": NEURON, "operator": "Exists", "effect": "NoSchedule"}
    return {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "node_selector": args.node_selector,
        "tolerations": [*args.tolerations, *([taint] if devices else [])],
        "termination_grace_period_seconds": 5,
        "security_context": user(args.user),
        "containers": [
            {
                "name": NAME,
                "image": args.image or mirrored(AWS_CLI_IMAGE, args.mirror),
                # what is started by hand and left alone is taken up by a first process that a signal ends
                "command": ["/bin/bash", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"],
                "env": [{"name": "HOME", "value": "/home/workbench"}],
                "working_dir": "/shared",
                "resources": resources(args.cpu, args.memory, limit=args.memory, devices=devices),
                # its file system may be written to: that is what a workbench is for
                "security_context": {"allow_privilege_escalation": False, "capabilities": {"drop": ["ALL"]}},
                "volume_mounts": [shared_mount(read_only=False), {"name": "home", "mount_path": "/home/workbench"}],
            }
        ],
        "volumes": [shared_volume(args.claim, read_only=False), scratch("home", "20Gi")],
    }
