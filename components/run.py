"""The run: the one small Job that walks a recipe's steps in the cluster, and what it may do there."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.batch import v1 as batch
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgs, RoleRefArgs, SubjectArgs

from .step import LABELS, Bundle, source_map

NAME = "trainyard-run"
"""The run's name, always: a changed run takes the place of the one before."""

PLAN = "plan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArgs:
    """`plan` is the JSON that `module`, from `bundle`, carries out. `image` has Python, and needs nothing else."""

    namespace: pulumi.Input[str]
    plan: pulumi.Input[str]
    bundle: Bundle
    module: str
    claim: pulumi.Input[str]
    image: pulumi.Input[str]
    deadline_seconds: int
    """After this the cluster ends the run itself; longer than all its own limits together."""
    wait: bool
    """Whether an update waits for the run's end."""
    node_selector: Mapping[str, str]
    sees_karpenter: bool
    """Whether to let it read why machines do not come: NodeClaims, and events about them."""


class Run(pulumi.ComponentResource):
    """A Job of one pod that asks for a tenth of a vCPU, with rights on its namespace's steps alone.

    With `wait`, creating it takes as long as the recipe does, and fails when a step fails. A run that has not succeeded
    is replaced by the next update, and so is one whose plan has changed.
    """

    job: pulumi.Output[str]

    def __init__(self, name: str, args: RunArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Run", name, {}, opts)
        inner = pulumi.ResourceOptions(parent=self)
        rights = self._rights(args, inner)
        source = source_map(f"{name}-program", args.namespace, args.bundle, self)
        plan = core.ConfigMap(
            f"{name}-plan",
            metadata=ObjectMetaArgs(
                name=pulumi.Output.from_input(args.plan).apply(lambda text: f"run-{digest(text)}"),
                namespace=args.namespace,
                labels=LABELS,
            ),
            data={PLAN: args.plan},
            immutable=True,
            opts=inner,
        )
        job = batch.Job(
            f"{name}-job",
            metadata=ObjectMetaArgs(
                name=NAME, namespace=args.namespace, labels=LABELS, annotations=_annotations(args.wait)
            ),
            spec=spec(args, source.metadata.name, plan.metadata.name),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=rights,
                custom_timeouts=pulumi.CustomTimeouts(create=f"{args.deadline_seconds + 600}s"),
            ),
        )
        self.job = job.metadata.name
        self.register_outputs({"job": self.job})

    def _rights(self, args: RunArgs, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        rbac = kubernetes.rbac.v1
        metadata = ObjectMetaArgs(name=NAME, namespace=args.namespace, labels=LABELS)
        account = core.ServiceAccount(f"{NAME}-account", metadata=metadata, opts=opts)
        role = rbac.Role(f"{NAME}-role", metadata=metadata, rules=RULES, opts=opts)
        subject = SubjectArgs(kind="ServiceAccount", name=NAME, namespace=args.namespace)
        binding = rbac.RoleBinding(
            f"{NAME}-binding", metadata=metadata, subjects=[subject], role_ref=_role("Role", NAME), opts=opts
        )
        made: list[pulumi.Resource] = [account, role, binding]
        if args.sees_karpenter:
            made += self._sight_of_machines(args.namespace, subject, opts)
        return made

    def _sight_of_machines(
        self, namespace: pulumi.Input[str], subject: SubjectArgs, opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        """Rights to read NodeClaims, which have no namespace, and the events about them, which go to `default`."""
        rbac = kubernetes.rbac.v1
        name = pulumi.Output.concat(NAME, "-", namespace)
        everywhere = ObjectMetaArgs(name=name, labels=LABELS)
        events = ObjectMetaArgs(name=name, namespace="default", labels=LABELS)
        return [
            rbac.ClusterRole(
                f"{NAME}-machines", metadata=everywhere, rules=[_may("karpenter.sh", "nodeclaims", "list")], opts=opts
            ),
            rbac.ClusterRoleBinding(
                f"{NAME}-machines-binding",
                metadata=everywhere,
                subjects=[subject],
                role_ref=_role("ClusterRole", name),
                opts=opts,
            ),
            rbac.Role(f"{NAME}-events", metadata=events, rules=[_may("", "events", "list")], opts=opts),
            rbac.RoleBinding(
                f"{NAME}-events-binding", metadata=events, subjects=[subject], role_ref=_role("Role", name), opts=opts
            ),
        ]


def _may(group: str, resource: str, *verbs: str) -> PolicyRuleArgs:
    return PolicyRuleArgs(api_groups=[group], resources=[resource], verbs=list(verbs))


def _role(kind: str, name: pulumi.Input[str]) -> RoleRefArgs:
    return RoleRefArgs(api_group="rbac.authorization.k8s.io", kind=kind, name=name)


def _annotations(wait: bool) -> dict[str, str]:
    return {"pulumi.com/replaceUnready": "true", **({} if wait else {"pulumi.com/skipAwait": "true"})}


def digest(text: str) -> str:
    """A short name for a content."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


STEPS = (("batch", "jobs"), ("ray.io", "rayjobs"), ("kubeflow.org", "mpijobs"))

RULES: Sequence[PolicyRuleArgs] = (
    *(_may(group, kind, "get", "list", "create", "patch", "delete") for group, kind in STEPS),
    _may("", "services", "get", "create"),
    _may("", "configmaps", "get"),
    # to make an object that holds up its owner's deletion, where the cluster guards that
    _may("", "configmaps/finalizers", "update"),
    _may("", "pods", "list"),
    _may("", "pods/log", "get"),
)
"""All that a run may do in its namespace."""


def spec(args: RunArgs, source: pulumi.Input[str], plan: pulumi.Input[str]) -> batch.JobSpecArgs:
    """The Job's specification. No try is counted for a disruption: the run begins anew and finds where it was."""
    disrupted = batch.PodFailurePolicyOnPodConditionsPatternArgs(type="DisruptionTarget", status="True")
    rule = batch.PodFailurePolicyRuleArgs(action="Ignore", on_pod_conditions=[disrupted])
    return batch.JobSpecArgs(
        backoff_limit=0,
        active_deadline_seconds=args.deadline_seconds,
        pod_failure_policy=batch.PodFailurePolicyArgs(rules=[rule]),
        template=core.PodTemplateSpecArgs(
            metadata=ObjectMetaArgs(labels=LABELS, annotations={"karpenter.sh/do-not-disrupt": "true"}),
            spec=_pod(args, source, plan),
        ),
    )


def _pod(args: RunArgs, source: pulumi.Input[str], plan: pulumi.Input[str]) -> core.PodSpecArgs:
    claim = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=args.claim, read_only=True)
    return core.PodSpecArgs(
        service_account_name=NAME,
        node_selector=args.node_selector,
        restart_policy="Never",
        enable_service_links=False,
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=NOBODY,
            run_as_group=NOBODY,
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        containers=[_container(args)],
        volumes=[
            core.VolumeArgs(name="shared", persistent_volume_claim=claim),
            core.VolumeArgs(name="program", config_map=core.ConfigMapVolumeSourceArgs(name=source)),
            core.VolumeArgs(name="plan", config_map=core.ConfigMapVolumeSourceArgs(name=plan)),
        ],
    )


NOBODY = 65534
MOUNTS = {"shared": "/shared", "program": "/trainyard/program", "plan": "/trainyard/plan"}
UID = "metadata.labels['batch.kubernetes.io/controller-uid']"
"""Where a pod finds the identity of the Job that made it: the run's mark, the same after a disruption."""


def _container(args: RunArgs) -> core.ContainerArgs:
    field = core.EnvVarSourceArgs(field_ref=core.ObjectFieldSelectorArgs(field_path=UID))
    plan = f"{MOUNTS['plan']}/{PLAN}"
    return core.ContainerArgs(
        name="run",
        image=args.image,
        command=["python3", "-m", args.module, "--plan", plan, "--shared", MOUNTS["shared"]],
        args=["--message", "/dev/termination-log"],
        env=[
            core.EnvVarArgs(name="PYTHONPATH", value=f"{MOUNTS['program']}/{args.bundle.file}"),
            core.EnvVarArgs(name="PYTHONUNBUFFERED", value="1"),
            core.EnvVarArgs(name="RUN_UID", value_from=field),
        ],
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": "100m", "memory": "128Mi"}, limits={"memory": "256Mi"}
        ),
        security_context=core.SecurityContextArgs(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=core.CapabilitiesArgs(drop=["ALL"]),
        ),
        volume_mounts=[
            core.VolumeMountArgs(name=name, mount_path=path, read_only=True) for name, path in MOUNTS.items()
        ],
    )
