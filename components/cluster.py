"""The EKS cluster, and those of its add-ons without which no node becomes ready."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes

from .access import Access, access_entries
from .addon import Addon, AddonArgs, Identity
from .outputs import once
from .subnets import SERVICES

CNI_POLICY = "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")

FOR_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
"""What a node needs to become ready. They are DaemonSets, which EKS finds active while there is no node yet."""

ON_NODES = ("eks-node-monitoring-agent",)
"""A DaemonSet as well, but nothing waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterArgs:
    """`label` begins the cluster's name; `addons` are the versions that go with `version`.

    Who stands the cluster up has all rights in it. `access` is for others: EKS refuses a second entry for the same one.
    """

    label: str
    version: str
    addons: Mapping[str, str]
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    """For the control plane's network interfaces, in two zones."""
    public_access_cidrs: Sequence[str] = ()
    """From where the public endpoint may be reached. None: there is none, and only the VPC reaches the cluster."""
    access: Mapping[str, Access] = field(default_factory=dict)
    service_cidr: str = SERVICES
    log_days: int = 30
    profile: str | None = None
    """The AWS profile that Pulumi works with, where it is not the environment's."""
    role_arn: str | None = None
    """The role that Pulumi takes on, if it does."""


class Cluster(pulumi.ComponentResource):
    """An EKS control plane with API authentication, encrypted secrets, logs, Pod Identity and a network for pods.

    Idle it costs $0.10 an hour, its key $1 a month, and what it logs (AWS's prices in guides of 2026, read 2026-11-21).
    AWS deletes the key a week after the cluster.
    """

    name: pulumi.Output[str]
    """Known once the control plane answers."""
    name_for_nodes: pulumi.Output[str]
    """The same, known once there are the add-ons without which a node stays unready."""
    version: pulumi.Output[str]
    """Kubernetes of the control plane, which nodes follow."""
    arn: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]
    """In base64, as a kubeconfig holds it."""
    security_group_id: pulumi.Output[str]
    """EKS's own: it lets control plane and nodes talk to each other, and nobody else to them."""
    service_cidr: str
    kubeconfig: pulumi.Output[str]
    """For people. It has the AWS CLI get a token, and holds none."""
    provider: kubernetes.Provider

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Cluster", name, {}, opts)
        key = aws.kms.Key(
            f"{name}-secrets",
            description="Secrets of a Kubernetes cluster",
            enable_key_rotation=True,
            deletion_window_in_days=7,
            opts=pulumi.ResourceOptions(parent=self),
        )
        physical_name = self._name_with_logs(name, args, key)
        cluster = self._control_plane(name, args, key, physical_name)
        kubeconfig: pulumi.Output[dict[str, Any]] = cluster.kubeconfig
        self.security_group_id = cluster.cluster_security_group_id
        self.name = once(physical_name, self.security_group_id)
        self.version = once(args.version, self.security_group_id)
        self.arn = pulumi.Output.all(key.arn, self.name).apply(lambda known: cluster_arn(*known))
        self.endpoint = kubeconfig.apply(lambda one: reached(one)["server"])
        self.certificate_authority = kubeconfig.apply(lambda one: reached(one)["certificate-authority-data"])
        self.service_cidr = args.service_cidr
        self.kubeconfig = cluster.kubeconfig_json
        self.provider = kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=kubeconfig.apply(lambda one: with_profile(one, args.profile)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name_for_nodes = once(self.name, *(self._addon(name, args, one).arn for one in FOR_NODES))
        for one in ON_NODES:
            self._addon(name, args, one)
        self.register_outputs({"name": self.name, "endpoint": self.endpoint, "kubeconfig": self.kubeconfig})

    def _name_with_logs(self, name: str, args: ClusterArgs, key: aws.kms.Key) -> pulumi.Output[str]:
        """The name to give the cluster, known once there is a group for its logs, which EKS would keep for ever.

        EKS can write logs for a moment after the cluster is gone, and makes the group again for it. The key's id in the
        name lets the next cluster have a group of its own, where the old one would be in its way.
        """
        physical = pulumi.Output.concat(args.label, "-", key.key_id.apply(lambda key_id: key_id[:8]))
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=pulumi.Output.concat("/aws/eks/", physical, "/cluster"),
            retention_in_days=args.log_days,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return once(physical, logs.arn)

    def _control_plane(
        self, name: str, args: ClusterArgs, key: aws.kms.Key, physical_name: pulumi.Input[str]
    ) -> eks.Cluster:
        return eks.Cluster(
            f"{name}-eks",
            name=physical_name,
            version=args.version,
            vpc_id=args.vpc_id,
            subnet_ids=args.subnet_ids,
            kubernetes_service_ip_address_range=args.service_cidr,
            endpoint_private_access=True,
            endpoint_public_access=bool(args.public_access_cidrs),
            public_access_cidrs=args.public_access_cidrs or None,
            authentication_mode=eks.AuthenticationMode.API,
            access_entries=access_entries(args.access),
            encryption_config_key_arn=key.arn,
            enabled_cluster_log_types=LOGS,
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            provider_credential_opts=eks.KubeconfigOptionsArgs(profile_name=args.profile, role_arn=args.role_arn)
            if args.profile or args.role_arn
            else None,
            **NOTHING_BESIDES,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _addon(self, name: str, args: ClusterArgs, addon: str) -> Addon:
        return Addon(
            f"{name}-{addon}",
            AddonArgs(
                cluster_name=self.name,
                addon=addon,
                version=args.addons[addon],
                configuration=CONFIGURATIONS.get(addon, {}),
                identity=IDENTITIES.get(addon),
            ),
            pulumi.ResourceOptions(parent=self),
        )


NOTHING_BESIDES: dict[str, Any] = {
    "skip_default_node_group": True,
    "skip_default_security_groups": True,
    "create_instance_role": False,
    # add-ons are this component's and Addons', at pinned versions and not preserved
    "bootstrap_self_managed_addons": False,
    "use_default_vpc_cni": True,
    "kube_proxy_addon_options": eks.KubeProxyAddonOptionsArgs(enabled=False),
    "coredns_addon_options": eks.CoreDnsAddonOptionsArgs(enabled=False),
}
"""What pulumi_eks.Cluster would make by itself, and does not."""

CONFIGURATIONS = {"vpc-cni": {"env": {"ENABLE_PREFIX_DELEGATION": "true"}}}
"""A prefix of 16 addresses takes one call to attach: pods start faster, and a node holds more of them."""

IDENTITIES = {"vpc-cni": Identity(service_account="aws-node", managed_policy=CNI_POLICY)}
"""So the role of nodes, which any pod might get at, cannot rearrange the network."""


def cluster_arn(key_arn: str, name: str) -> str:
    """The ARN of the cluster `name` in the region and account of a key."""
    _, partition, _, region, account, _ = key_arn.split(":", 5)
    return f"arn:{partition}:eks:{region}:{account}:cluster/{name}"


def reached(kubeconfig: Mapping[str, Any]) -> Mapping[str, str]:
    """Where the cluster of `kubeconfig` is reached: server and certificate authority."""
    return kubeconfig["clusters"][0]["cluster"]


def with_profile(kubeconfig: Mapping[str, Any], profile: str | None) -> str:
    """`kubeconfig` as JSON, asking for tokens under `profile`, which pulumi_eks leaves out of what it gives away."""
    users = [_user_with_profile(user, profile) for user in kubeconfig["users"]] if profile else kubeconfig["users"]
    return json.dumps({**kubeconfig, "users": users}, sort_keys=True)


def _user_with_profile(user: Mapping[str, Any], profile: str | None) -> dict[str, Any]:
    command = user["user"]["exec"]
    return {**user, "user": {"exec": {**command, "args": [*command["args"], "--profile", profile]}}}
