# ruff: noqa: N802 (the methods bear the names of the protocol)
"""The double of pulumi-eks: its Cluster alone, and of that what is left when it makes no nodes, groups or add-ons.

As the true one it registers its children with the engine, which makes them by pulumi-aws. From its sources, 4.x:
nodejs/eks/cluster/{cluster,authenticationMode}.ts and nodejs/eks/servicerole.ts.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import grpc
import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
from pulumi.provider import ConstructResult
from pulumi.provider import Provider as ComponentProvider
from pulumi.runtime.proto import provider_pb2

from . import aws_types, differences
from .aws import declared
from .components import construct
from .provider import UNKNOWN, Provider, ProviderError, Session, reveal, unmarshal

TYPE = "eks:index:Cluster"
CLUSTER_POLICY = "AmazonEKSClusterPolicy"

Kubeconfig = Mapping[str, Any]


class Eks(Provider[Session]):
    """`kubeconfig` is what clusters give away, once they are there; by default one of the true kind, which leads
    nowhere."""

    version = "4.4.0"

    def __init__(self, kubeconfig: Kubeconfig | None = None):
        super().__init__(Session)
        self.kubeconfig = kubeconfig

    def Construct(self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext) -> Any:
        inputs = _known(reveal(unmarshal(request.inputs)))
        found = declared(aws_types.problems, request.type, inputs) if request.type == TYPE else []
        wrong = [f"{differences.text(path)}: {why}" for path, why in found] or _lacking(request.type, inputs)
        if wrong:
            raise ProviderError(f"{request.type} '{request.name}' has a problem: {'; '.join(wrong)}")
        return construct(_Components(self.kubeconfig), self.session(context).engine, request, context)


def _known(value: Any) -> Any:
    """Values without the wrapping that tells where they come from."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _OUTPUT:
            return _known(value.get("value", UNKNOWN))
        return {name: _known(one) for name, one in value.items()}
    return [_known(one) for one in value] if isinstance(value, list) else value


_SIGNATURE = "4dabf18193072939515e22adb298388d"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


def _lacking(type_: str, inputs: Mapping[str, Any]) -> list[str]:
    """What the program wants and the double lacks."""
    if type_ != TYPE:
        return [f"the double of pulumi-eks has no {type_}"]
    switched = {
        "default node group": inputs.get("skipDefaultNodeGroup") is True,
        "default security groups": inputs.get("skipDefaultSecurityGroups") is True,
        "add-on vpc-cni": inputs.get("useDefaultVpcCni") is True,
        "add-on kube-proxy": inputs.get("kubeProxyAddonOptions", {}).get("enabled") is False,
        "add-on coredns": not inputs.get("corednsAddonOptions", {}).get("enabled"),
        "instance role": not inputs.get("createInstanceRole"),
    }
    wanted = ("autoMode", "clusterSecurityGroup", "createOidcProvider", "fargate", "roleMappings", "serviceRole")
    unheard = [f"the double of pulumi-eks has no {one}" for one in wanted if inputs.get(one)]
    return [*(f"the double of pulumi-eks makes no {one}" for one, off in switched.items() if not off), *unheard]


class _Components(ComponentProvider):
    def __init__(self, kubeconfig: Kubeconfig | None):
        super().__init__(Eks.version)
        self._kubeconfig = kubeconfig

    def construct(
        self, name: str, resource_type: str, inputs: Mapping[str, Any], options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        made = _Cluster(name, inputs, self._kubeconfig, options)
        return ConstructResult(made.urn, made.state)


class _Cluster(pulumi.ComponentResource):
    state: dict[str, Any]

    def __init__(self, name: str, inputs: Mapping[str, Any], given: Kubeconfig | None, opts: Any):
        super().__init__(TYPE, name, inputs, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = _ServiceRole(f"{name}-eksRole", child)
        cluster = _control_plane(name, inputs, role, self)
        facts = pulumi.Output.all(
            arn=cluster.arn,
            server=cluster.endpoint,
            authority=cluster.certificate_authority.data,
            options=inputs.get("providerCredentialOpts"),
        )
        with_profile, without = (
            facts.apply(lambda known, profile=profile: given or _kubeconfig(**known, with_profile=profile))
            for profile in (True, False)
        )
        kubernetes.Provider(f"{name}-eks-k8s", kubeconfig=with_profile.apply(json.dumps), opts=child)
        _access(name, inputs.get("accessEntries") or {}, cluster, child)
        self.state = _state(inputs, cluster, role, without)
        self.register_outputs(self.state)


def _control_plane(name: str, inputs: Mapping[str, Any], role: "_ServiceRole", parent: _Cluster) -> aws.eks.Cluster:
    key = inputs.get("encryptionConfigKeyArn")
    mode = inputs.get("authenticationMode")
    tags = {"Name": f"{name}-eksCluster", **(inputs.get("clusterTags") or {}), **(inputs.get("tags") or {})}
    self_managed = inputs.get("bootstrapSelfManagedAddons")
    vpc = ("subnetIds", "endpointPrivateAccess", "endpointPublicAccess", "publicAccessCidrs")
    as_given = ("name", "version", "enabledClusterLogTypes", "upgradePolicy", "deletionProtection")
    arguments = {
        **{_snake(one): _snaked(inputs.get(one)) for one in as_given},
        "role_arn": role.arn,
        "bootstrap_self_managed_addons": True if self_managed is None else self_managed,
        "vpc_config": {_snake(one): inputs.get(one) for one in vpc},
        "tags": tags,
        "kubernetes_network_config": _network(inputs),
        "encryption_config": {"provider": {"key_arn": key}, "resources": ["secrets"]} if key else None,
        "access_config": {"authentication_mode": mode, "bootstrap_cluster_creator_admin_permissions": True}
        if mode
        else None,
    }
    ignored = ["accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"]
    options = pulumi.ResourceOptions(parent=parent, ignore_changes=ignored, depends_on=[role])
    return aws.eks.Cluster(f"{name}-eksCluster", opts=options, **arguments)


def _network(inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    block, family = inputs.get("kubernetesServiceIpAddressRange"), inputs.get("ipFamily")
    return {"service_ipv4_cidr": block, "ip_family": family or "ipv4"} if block or family else None


def _snake(name: str) -> str:
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in name)


def _snaked(value: Any) -> Any:
    return {_snake(key): one for key, one in value.items()} if isinstance(value, dict) else value


class _ServiceRole(pulumi.ComponentResource):
    arn: pulumi.Output[str]
    """Known once the role has its rights."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions):
        super().__init__("eks:index:ServiceRole", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        actions = ["sts:AssumeRole", "sts:TagSession"]
        statement = {"Action": actions, "Effect": "Allow", "Principal": {"Service": ["eks.amazonaws.com"]}}
        self.role = aws.iam.Role(
            f"{name}-role",
            description="Allows EKS to manage clusters on your behalf.",
            assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
            opts=child,
        )
        arn = f"arn:aws:iam::aws:policy/{CLUSTER_POLICY}"
        digits = hashlib.sha1(arn.encode(), usedforsecurity=False).hexdigest()[:8]
        attached = aws.iam.RolePolicyAttachment(f"{name}-{digits}", policy_arn=arn, role=self.role.name, opts=child)
        self.arn = pulumi.Output.all(self.role.arn, attached.id).apply(lambda known: known[0])
        self.register_outputs({"directRole": self.role})


def _access(name: str, entries: Mapping[str, Any], cluster: aws.eks.Cluster, opts: pulumi.ResourceOptions) -> None:
    for key, one in entries.items():
        entry = aws.eks.AccessEntry(
            f"{name}-{key}",
            cluster_name=cluster.name,
            principal_arn=one["principalArn"],
            type=one.get("type"),
            user_name=one.get("username"),
            kubernetes_groups=one.get("kubernetesGroups"),
            tags=one.get("tags"),
            opts=opts,
        )
        for policy, association in (one.get("accessPolicies") or {}).items():
            aws.eks.AccessPolicyAssociation(
                f"{name}-{key}-{policy}",
                cluster_name=cluster.name,
                principal_arn=one["principalArn"],
                policy_arn=association["policyArn"],
                access_scope=_snaked(association["accessScope"]),
                opts=pulumi.ResourceOptions(parent=entry, depends_on=[entry]),
            )


def _kubeconfig(*, arn: str, server: str, authority: str, options: Any, with_profile: bool) -> Kubeconfig:
    """Who reads it gets a token from the AWS CLI."""
    region, name = arn.split(":")[3], arn.partition("/")[2]
    words = ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"]
    options = options or {}
    words += ["--role", options["roleArn"]] if options.get("roleArn") else []
    words += ["--profile", options["profileName"]] if with_profile and options.get("profileName") else []
    version = "client.authentication.k8s.io/v1beta1"
    env = [{"name": "KUBERNETES_EXEC_INFO", "value": json.dumps({"apiVersion": version})}]
    execute = {"apiVersion": version, "command": "aws", "args": words, "env": env}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "kubernetes", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "contexts": [{"name": "aws", "context": {"cluster": "kubernetes", "user": "aws"}}],
        "current-context": "aws",
        "users": [{"name": "aws", "user": {"exec": execute}}],
    }


def _state(
    inputs: Mapping[str, Any], cluster: aws.eks.Cluster, role: _ServiceRole, config: pulumi.Output[Any]
) -> dict[str, Any]:
    """The component's outputs: everything that is there when it makes no nodes, groups or add-ons."""
    group = cluster.vpc_config.apply(lambda one: one.cluster_security_group_id)
    issuer = cluster.identities[0].oidcs[0].issuer
    nothing = ("clusterIngressRuleId", "defaultNodeGroupAsgName", "fargateProfileId", "fargateProfileStatus")
    return {
        **dict.fromkeys((*nothing, "autoModeNodeRoleName", "oidcProviderArn"), ""),
        "kubeconfig": config,
        "kubeconfigJson": config.apply(json.dumps),
        "clusterSecurityGroupId": group,
        "nodeSecurityGroupId": group,
        "eksCluster": cluster,
        "instanceRoles": [],
        "oidcProviderUrl": issuer,
        "oidcIssuer": issuer.apply(lambda one: (one or "").replace("https://", "")),
        "core": {
            "cluster": cluster,
            "clusterIamRole": role.role,
            "endpoint": cluster.endpoint,
            "instanceRoles": [],
            "kubeconfig": config,
            "subnetIds": inputs.get("subnetIds"),
            "vpcId": inputs.get("vpcId"),
        },
    }
