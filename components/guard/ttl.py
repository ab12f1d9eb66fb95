"""An end in time: after so many hours nothing of the run is left to hold a machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import batch, core

from ..pods import LOCKED, NOBODY, metadata, resources, template, user
from ..rights import Rights, RightsArgs, Rule, may
from ..step import Bundle, source_map

NAME = "ttl"
EVERY_MINUTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TtlArgs:
    """`module`, from `bundle`, looks once and stops what is due: the run's Job `run` first, then the steps."""

    namespace: pulumi.Input[str]
    hours: float
    bundle: Bundle
    module: str
    run: str
    """Name of the run's Job."""
    image: pulumi.Input[str]
    """Has Python, and needs nothing else: the run's."""
    workbench: str | None = None
    """Name of the StatefulSet of a workbench with devices: scaled to 0 when its pod is that old. None: leave it."""
    node_selector: Mapping[str, str] = field(default_factory=dict)


class Ttl(pulumi.ComponentResource):
    """A CronJob that looks every five minutes and, `hours` after the run began, stops it and all its steps.

    The nodes then have nothing to do: Karpenter, or the autoscaler, gives them back. The stack stays, and so does what
    has been written; the next `pulumi up` begins anew where the steps stopped. A pod for a few seconds at a time: next
    to no cost.
    """

    name: pulumi.Output[str]

    def __init__(self, name: str, args: TtlArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Ttl", name, {}, opts)
        source = source_map(f"{name}-program", args.namespace, args.bundle, self)
        rights = RightsArgs(account=NAME, namespace=args.namespace, here=rules(args))
        account = Rights(f"{name}-rights", rights, pulumi.ResourceOptions(parent=self)).account
        job = batch.v1.CronJob(
            f"{name}-job",
            metadata=metadata(NAME, args.namespace),
            spec={
                "schedule": f"*/{EVERY_MINUTES} * * * *",
                "concurrency_policy": "Forbid",
                "successful_jobs_history_limit": 1,
                "failed_jobs_history_limit": 1,
                "job_template": {
                    "spec": {
                        "backoff_limit": 2,
                        "active_deadline_seconds": EVERY_MINUTES * 60,
                        "template": template(
                            NAME, pod(args, account, source.metadata.apply(lambda _: args.bundle.name))
                        ),
                    }
                },
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = job.metadata.apply(lambda _: NAME)
        self.register_outputs({"name": self.name})


def rules(args: TtlArgs) -> list[Rule]:
    """What it may do: end the run's Job, delete the steps' objects, and put the workbench to sleep."""
    asleep = (
        [
            may("", ["pods"], "get", names=[f"{args.workbench}-0"]),
            may("apps", ["statefulsets/scale"], "patch", names=[args.workbench]),
        ]
        if args.workbench
        else []
    )
    return [
        may("batch", ["jobs"], "get", "list", "delete"),
        may("batch", ["jobs"], "patch", names=[args.run]),
        may("ray.io", ["rayjobs"], "list", "delete"),
        may("kubeflow.org", ["mpijobs"], "list", "delete"),
        *asleep,
    ]


def pod(args: TtlArgs, account: pulumi.Input[str], source: pulumi.Input[str]) -> core.v1.PodSpecArgsDict:
    workbench = [f"--workbench={args.workbench}"] if args.workbench else []
    return {
        "service_account_name": account,
        "automount_service_account_token": True,
        "enable_service_links": False,
        "restart_policy": "Never",
        "node_selector": args.node_selector,
        "security_context": user(NOBODY),
        "containers": [
            {
                "name": NAME,
                "image": args.image,
                "command": ["python3", "-m", args.module],
                "args": [f"--hours={args.hours}", f"--run={args.run}", *workbench],
                "env": [
                    {"name": "PYTHONPATH", "value": f"/trainyard/program/{args.bundle.file}"},
                    {"name": "PYTHONUNBUFFERED", "value": "1"},
                ],
                "resources": resources("50m", "64Mi", limit="128Mi"),
                "security_context": LOCKED,
                "volume_mounts": [{"name": "program", "mount_path": "/trainyard/program", "read_only": True}],
            }
        ],
        "volumes": [{"name": "program", "config_map": {"name": source}}],
    }
