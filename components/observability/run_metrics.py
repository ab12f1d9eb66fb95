"""The runs' own numbers, for Prometheus: what training writes into its folder, offered as metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import apps, core

from ..pods import LOCKED, NOBODY, metadata, resources, shared_mount, shared_volume, single, user
from ..step import Bundle, source_map
from .pod_monitor import PORT_NAME, pod_monitor

NAME = "run-metrics"
PORT = 9400


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMetricsArgs:
    """`module`, from `bundle`, serves metrics of the runs below `--shared` at `--port`."""

    namespace: pulumi.Input[str]
    claim: pulumi.Input[str]
    bundle: Bundle
    module: str
    release: pulumi.Input[str]
    """Prometheus's `release`."""
    image: pulumi.Input[str]
    """Has Python, and needs nothing else: the run's."""
    node_selector: Mapping[str, str] = field(default_factory=dict)


class RunMetrics(pulumi.ComponentResource):
    """Loss, tokens a second and progress of what trains now: one pod that asks for 0.05 vCPU and 64 MiB.

    It reads the shared volume, so that a training program needs no port, and Prometheus no way to a training pod.
    """

    port: pulumi.Output[int]
    """Where it offers metrics, at /metrics."""

    def __init__(self, name: str, args: RunMetricsArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:RunMetrics", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        source = source_map(f"{name}-program", args.namespace, args.bundle, self)
        deployment = apps.v1.Deployment(
            f"{name}-deployment",
            metadata=metadata(NAME, args.namespace),
            spec=single(NAME, pod(args, source.metadata.apply(lambda _: args.bundle.name))),
            opts=inner,
        )
        pod_monitor(name, NAME, args.namespace, args.release, inner)
        self.port = deployment.metadata.apply(lambda _: PORT)
        self.register_outputs({"port": self.port})


def pod(args: RunMetricsArgs, source: pulumi.Input[str]) -> core.v1.PodSpecArgsDict:
    return {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "node_selector": args.node_selector,
        "security_context": user(NOBODY),
        "containers": [
            {
                "name": NAME,
                "image": args.image,
                "command": ["python3", "-m", args.module],
                "args": ["--shared=/shared", f"--port={PORT}"],
                "env": [
                    {"name": "PYTHONPATH", "value": f"/trainyard/program/{args.bundle.file}"},
                    {"name": "PYTHONUNBUFFERED", "value": "1"},
                ],
                "ports": [{"name": PORT_NAME, "container_port": PORT}],
                "readiness_probe": {"http_get": {"path": "/metrics", "port": PORT_NAME}},
                "resources": resources("50m", "64Mi", limit="256Mi"),
                "security_context": LOCKED,
                "volume_mounts": [
                    shared_mount(read_only=True),
                    {"name": "program", "mount_path": "/trainyard/program", "read_only": True},
                ],
            }
        ],
        "volumes": [
            shared_volume(args.claim, read_only=True),
            {"name": "program", "config_map": {"name": source}},
        ],
    }
