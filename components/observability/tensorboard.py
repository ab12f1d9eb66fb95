"""TensorBoard over all runs of the stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import apps, core

from ..mirror import mirrored
from ..pods import LOCKED, NOBODY, metadata, resources, scratch, selector, shared_mount, shared_volume, single, user
from ..versions import TENSORBOARD_IMAGE

NAME = "tensorboard"
PORT = 6006


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorBoardArgs:
    namespace: pulumi.Input[str]
    claim: pulumi.Input[str]
    """The shared volume's."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    mirror: str | None = None


class TensorBoard(pulumi.ComponentResource):
    """TensorBoard on the runs' folder, which it cannot write to: one pod that asks for 0.1 vCPU and 512 MiB.

    It knows no password: it is reached by port-forward alone, by those who have access to the cluster.
    """

    forward: pulumi.Output[str]
    """What follows `kubectl` to reach it at http://localhost:6006."""

    def __init__(self, name: str, args: TensorBoardArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:TensorBoard", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        apps.v1.Deployment(
            f"{name}-deployment",
            metadata=metadata(NAME, args.namespace),
            spec=single(NAME, pod(args)),
            opts=inner,
        )
        service = core.v1.Service(
            f"{name}-service",
            metadata=metadata(NAME, args.namespace),
            spec={"selector": selector(NAME), "ports": [{"name": "http", "port": PORT, "target_port": PORT}]},
            opts=inner,
        )
        self.forward = pulumi.Output.all(args.namespace, service.metadata).apply(
            lambda known: f"--namespace {known[0]} port-forward service/{NAME} {PORT}"
        )
        self.register_outputs({"forward": self.forward})


def pod(args: TensorBoardArgs) -> core.v1.PodSpecArgsDict:
    return {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "node_selector": args.node_selector,
        "security_context": user(NOBODY),
        "containers": [
            {
                "name": NAME,
                "image": mirrored(TENSORBOARD_IMAGE, args.mirror),
                "command": ["tensorboard"],
                "args": ["--logdir=/shared/runs", "--bind_all", f"--port={PORT}", "--reload_interval=30"],
                "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108
                "ports": [{"name": "http", "container_port": PORT}],
                "readiness_probe": {"http_get": {"path": "/", "port": "http"}},
                "resources": resources("100m", "512Mi", limit="2Gi"),
                "security_context": LOCKED,
                "volume_mounts": [shared_mount(read_only=True), {"name": "tmp", "mount_path": "/tmp"}],  # noqa: S108
            }
        ],
        "volumes": [shared_volume(args.claim, read_only=True), scratch("tmp", "1Gi")],
    }
