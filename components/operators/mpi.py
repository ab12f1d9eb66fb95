"""The MPI operator, which has no chart: its objects are the project's own, but for one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import apps, core, yaml

from ..mirror import mirrored
from ..pods import LOCKED, NOBODY, metadata, resources, single, user
from ..rights import Rights, RightsArgs, may
from ..versions import MPI_OPERATOR_CRD, MPI_OPERATOR_IMAGE

NAME = "mpi-operator"
API = "kubeflow.org/v2beta1"


@dataclass(frozen=True, slots=True, kw_only=True)
class MpiOperatorArgs:
    mirror: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    scheduler: pulumi.Input[str] | None = None
    """Volcano's `scheduler`, where MPIJobs are to start as gangs: the operator needs Volcano's definitions when it
    starts. None: the cluster's own scheduler."""
    definition: str = MPI_OPERATOR_CRD
    """Address or file of the operator's custom resource definition: a registry of images cannot mirror it."""


class MpiOperator(pulumi.ComponentResource):
    """The operator that turns MPIJob objects into pods: one pod that asks for 0.1 vCPU and 64 MiB.

    The definition of MPIJob, 8,800 lines, is fetched from the release's tag by the provider, at preview and at update:
    only with the whole of it does the API server check MPIJobs. The rest of the release's manifest is declared here
    instead: its Deployment has no limits and not the argument that gangs need, its role may run commands in every pod.
    """

    api: pulumi.Output[str]
    """The API version of its objects, once their definition and the operator are there."""

    def __init__(self, name: str, args: MpiOperatorArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:MpiOperator", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        namespace = core.v1.Namespace(f"{name}-namespace", metadata={"name": NAME}, opts=inner)
        definition = yaml.v2.ConfigFile(f"{name}-definition", file=args.definition, opts=inner)
        home = namespace.metadata.name.apply(lambda _: NAME)
        rights = RightsArgs(account=NAME, namespace=home, here=LOCK_RULES, everywhere=RULES)
        account = Rights(f"{name}-rights", rights, inner).account
        deployment = apps.v1.Deployment(
            f"{name}-deployment",
            metadata=metadata(NAME, home),
            spec=single(NAME, pod(args, account)),
            # it ends at once where the definition is missing
            opts=pulumi.ResourceOptions(parent=self, depends_on=[definition]),
        )
        self.api = deployment.metadata.apply(lambda _: API)
        self.register_outputs({"api": self.api})


RULES = (
    may("kubeflow.org", ["mpijobs"], "get", "list", "watch"),
    may("kubeflow.org", ["mpijobs/status", "mpijobs/finalizers"], "update"),
    may("", ["configmaps", "secrets", "services"], "list", "watch", "create", "update"),
    may("", ["pods"], "get", "list", "watch", "create", "delete"),
    may("", ["events"], "create", "patch"),
    may("batch", ["jobs"], "list", "watch", "create", "update"),
    may("batch", ["jobs/status"], "update"),
    may("scheduling.k8s.io", ["priorityclasses"], "get", "list", "watch"),
    may("scheduling.volcano.sh", ["podgroups"], "get", "list", "watch", "create", "update", "delete"),
)
"""What the operator's source asks the API server for (v0.8.0, pkg/controller), in all namespaces."""

LOCK_RULES = (may("coordination.k8s.io", ["leases"], "get", "create", "update"),)
"""In its own namespace: the lock by which one operator works at a time."""


def pod(args: MpiOperatorArgs, account: pulumi.Input[str]) -> core.v1.PodSpecArgsDict:
    """The operator's pod. It logs to standard error alone: its file system is read-only."""
    gangs = [] if args.scheduler is None else [pulumi.Output.concat("--gang-scheduling=", args.scheduler)]
    return {
        "service_account_name": account,
        "automount_service_account_token": True,
        "node_selector": args.node_selector,
        "security_context": user(NOBODY),
        "containers": [
            {
                "name": NAME,
                "image": mirrored(MPI_OPERATOR_IMAGE, args.mirror),
                "args": ["-logtostderr=true", f"--lock-namespace={NAME}", *gangs],
                "ports": [{"name": "health", "container_port": 8080}],
                "liveness_probe": {"http_get": {"path": "/healthz", "port": "health"}, "initial_delay_seconds": 15},
                "resources": resources("100m", "64Mi", limit="512Mi"),
                "security_context": LOCKED,
            }
        ],
    }
