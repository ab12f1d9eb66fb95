"""The groups of keys in a config, each a typed model with defaults; what a key means stands beside it."""

from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.versions import DEFAULT_KUBERNETES, KUBERNETES

from .forms import Arn, Cidr, Duration, Email, Name, Size


class Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)


class Reservation(Group):
    """Capacity in AWS that was reserved or bought beforehand."""

    id: str = Field(description="The reservation's id: cr-…")
    kind: Literal["on-demand", "capacity-block"] = Field("on-demand", description="What was reserved.")
    placement_group: str | None = Field(None, description="The placement group that it was reserved in, if any.")


class Nodes(Group):
    """The Trainium nodes that the recipe may train on."""

    instance_type: str = Field("trn1.32xlarge", description="EC2 instance type to train on.")
    count: Annotated[int, Field(ge=1)] = Field(1, description="Nodes to train on.")
    efa: bool | None = Field(None, description="Elastic Fabric Adapter; left out, it is used where the type has it.")
    idle: Duration = Field(timedelta(minutes=5), description="How long a node without work stays: 5m.")
    reservation: Reservation | None = Field(None, description="Capacity reserved beforehand: id, kind, placementGroup.")


class StepRange(Group):
    """Which of the recipe's steps to run; left out, all of them."""

    first: str | None = Field(None, alias="from", description="First step to run.")
    last: str | None = Field(None, alias="to", description="Last step to run.")


class Local(Group):
    """The platform `local`."""

    folder: str = Field(
        "shared", description="Folder that plays the cluster's shared volume; from the project's folder."
    )


class Toleration(Group):
    """As in a pod's own specification."""

    key: str | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class NodeLabels(Group):
    """How pods find the nodes that are meant for them in a cluster of the user's own."""

    selector: dict[str, str] = Field({}, description="Labels that the nodes have.")
    tolerations: tuple[Toleration, ...] = Field((), description="Taints that pods put up with, as in a pod.")


Operator = Literal["kuberay", "volcano", "mpi-operator", "karpenter"]


class Existing(Group):
    """The platform `existing`: a cluster of the user's own."""

    kubeconfig: str | None = Field(None, description="Its kubeconfig file; left out, KUBECONFIG or ~/.kube/config.")
    context: str | None = Field(None, description="Which context of the kubeconfig; left out, its current one.")
    namespace: Name | None = Field(
        None, description="A namespace that is there, for this stack alone; left out, the stack makes one."
    )
    claim: Name | None = Field(None, description="A ReadWriteMany claim that is there, in that namespace.")
    storage_class: str | None = Field(None, description="Without a claim: make one of this ReadWriteMany class.")
    storage: Size = Field("1200Gi", description="Size of the claim to make.")
    operators: tuple[Operator, ...] = Field(
        (), description="What is installed there, of: " + ", ".join(get_args(Operator))
    )
    trainium: NodeLabels = Field(NodeLabels.model_validate({}), description="Its Trainium nodes.")
    processors: NodeLabels = Field(NodeLabels.model_validate({}), description="Its nodes without Neuron devices.")


DEFAULT_TARGET = "/shared/results"


class Results(Group):
    """What a run leaves."""

    keep: bool = Field(True, description="Whether what the runs made outlives `pulumi destroy`.")
    bucket: str | None = Field(None, description="A bucket of an earlier stack's to go on with (eks).")
    target: str = Field(
        DEFAULT_TARGET, description="Where results go (existing): a folder below /shared, or s3://bucket/prefix."
    )
    service_account: Name | None = Field(
        None, description="The service account whose rights in AWS steps have (existing); it is there already."
    )


Provisioner = Literal["karpenter", "managed"]


class Access(Group):
    """Somebody who may use the cluster."""

    principal_arn: Arn = Field(description="IAM role or user.")
    policy: Literal["ClusterAdmin", "Admin", "AdminView", "Edit", "View"] = Field("Edit", description="What he may do.")
    namespaces: tuple[Name, ...] = Field((), description="Only in these; left out, in all.")


class Cluster(Group):
    """The EKS cluster."""

    kubernetes: str = Field(DEFAULT_KUBERNETES, description="Kubernetes version, of: " + ", ".join(KUBERNETES))
    public_access_cidrs: tuple[Cidr, ...] = Field(
        (), description="Networks from which the API server may be reached; none: only from within the VPC."
    )
    access: dict[Name, Access] = Field({}, description="Who else may use it, by a name of yours: principalArn, policy.")
    core_nodes: Annotated[int, Field(ge=1)] = Field(2, description="Machines (m7i.xlarge) for controllers and agents.")


class Network(Group):
    """The VPC."""

    primary_cidr: Cidr = Field("10.1.0.0/21", description="The VPC's own block.")
    node_cidr: Cidr = Field("100.64.0.0/16", description="Its second block, for nodes and pods.")
    service_cidr: Cidr = Field("172.20.0.0/16", description="What the cluster's services get addresses of.")
    zone: str | None = Field(None, description="Zone to train in; left out, the first that offers the instance type.")
    nat: Literal["one", "zone"] = Field("one", description="One NAT gateway, or one in each zone.")
    interface_endpoints: tuple[str, ...] = Field((), description="AWS services to reach without it, such as ecr.api.")


class Storage(Group):
    """The shared volume: FSx for Lustre."""

    capacity: int = Field(1200, description="GiB: 1200, 2400, or a multiple of 2400.")
    throughput: int = Field(125, description="MB/s for each TiB: 125, 250, 500 or 1000.")
    data: str | None = Field(None, description="An S3 folder of yours, s3://bucket/folder, to see as /shared/data.")


class Observability(Group):
    """What a person needs to see."""

    metrics: bool = Field(True, description="Prometheus, Grafana and the neuron-monitor.")
    logs: bool = Field(True, description="Pods' logs to CloudWatch.")
    log_days: int = Field(30, description="How long CloudWatch keeps them.")


class Workbench(Group):
    """A pod to work in by hand."""

    enabled: bool = Field(False, description="Whether there is one.")
    devices: bool = Field(False, description="Whether it holds a Trainium node; scale it to 0 to let that go.")


class Guard(Group):
    """What keeps costs in bounds."""

    monthly_dollars: Annotated[float, Field(gt=0)] | None = Field(None, description="Budget whose use sends e-mails.")
    emails: tuple[Email, ...] = Field((), description="Who is told.")
    ttl_hours: Annotated[float, Field(gt=0)] | None = Field(None, description="After so long all steps are stopped.")


class Charts(Group):
    """Where Helm charts and their images come from."""

    mirror: str | None = Field(None, description="A registry of yours that has them all, in place of their own.")
