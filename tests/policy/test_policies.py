"""The policies hold over every stack on AWS, and each finds what is broken on purpose."""

from collections.abc import Mapping
from typing import Any

import pytest

from policy import aws_rules, iam_rules, pod_rules
from policy.rule import Resource, Rule
from stacks.recorder import Recorded, Recording
from tests.contract.breaking import Break, Edit, edited, pod, step, without
from tests.contract.graphs import EKS, VARIANTS, graph

RULES = {rule.name: rule for rule in (*aws_rules.RULES, *iam_rules.RULES, *pod_rules.RULES)}
STACK_RULES = {rule.name: rule for rule in aws_rules.STACK_RULES}
SOME = "eks-karpenter-extras"
LAUNCHED = (SOME, *(f"eks-karpenter-llama2-7b-{one}-1xtrn1.32xlarge" for one in ("ray", "megatron")))
"""Stacks that have, together, everything that any stack has: every launcher, and every operator."""
MANAGED = "eks-managed-extras"


def resource(one: Recorded) -> Resource:
    sources = (urn for found in one.request.propertyDependencies.values() for urn in found.urns)
    return Resource(urn=one.urn, type=one.type, name=one.name, props=one.inputs, made_from=frozenset(sources))


def found(recording: Recording, rules: Mapping[str, Rule] = RULES) -> list[str]:
    single = [
        f"{name}: {one.name} {sentence}"
        for one in recording.resources
        for name, rule in rules.items()
        for sentence in rule.wrong(one.type, one.inputs)
    ]
    resources = [resource(one) for one in recording.resources]
    return single + [f"{name}: {text}" for name, rule in STACK_RULES.items() for _, text in rule.check(resources)]


@pytest.mark.parametrize("name", EKS)
def test_every_stack_on_aws_keeps_the_policies(name: str) -> None:
    assert found(graph(name)) == []


@pytest.mark.parametrize("name", [name for name in VARIANTS if name.startswith("existing")][:2])
def test_pods_in_a_cluster_of_the_users_own_keep_them_too(name: str) -> None:
    assert found(graph(name)) == []


def _set(**values: Any) -> Edit:
    return lambda inputs: inputs.update(values)


def _context(**values: Any) -> Edit:
    return lambda spec: spec["containers"][0]["securityContext"].update(values)


def _container(**values: Any) -> Edit:
    return lambda spec: spec["containers"][0].update(values)


def _rights(**values: Any) -> Break:
    document = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **values}]}
    return edited("logs-identity-logs", _set(policy=document))


def _spec(**values: Any) -> Edit:
    return lambda inputs: inputs["spec"].update(values)


METADATA = {"httpTokens": "optional", "httpPutResponseHopLimit": 1}
NEAR = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
HOST = [{"name": "x", "hostPath": {"path": "/"}}]
EVERYBODY = {"Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "x", "Principal": "*"}]}

BREAKS: dict[str, tuple[str, Break]] = {
    "lets anybody in, from 0.0.0.0/0": (SOME, edited("files-clients-1-from-988", _set(cidrIpv4="0.0.0.0/0"))),
    "lets anybody in, from ::/0": (SOME, edited("files-servers", _set(ingress=[{"ipv6CidrBlocks": ["::/0"]}]))),
    "reached from everywhere": (SOME, edited("cluster-eks", _set(publicAccessCidrs=["0.0.0.0/0"]))),
    "secrets are not encrypted": (SOME, edited("cluster-eks", _set(encryptionConfigKeyArn=None))),
    "not all of its logs are kept": (SOME, edited("cluster-eks", _set(enabledClusterLogTypes=["api"]))),
    "by access entries alone": (SOME, edited("cluster-eks", _set(authenticationMode="API_AND_CONFIG_MAP"))),
    "core-template its volume": (SOME, edited("core-template", _set(blockDeviceMappings=[{"ebs": {}}]))),
    "says nothing of its root volume": (MANAGED, edited("training-template", _set(blockDeviceMappings=[]))),
    "pools-trainium-class its volume": (SOME, edited("pools-trainium-class", _spec(blockDeviceMappings=[{}]))),
    "without a session token": (SOME, edited("pools-processors-class", _spec(metadataOptions=METADATA))),
    "pods can reach its metadata": (MANAGED, edited("processors-template", _set(metadataOptions=NEAR))),
    "does not scan": (SOME, edited("registry-neuron-training", _set(imageScanningConfiguration={}))),
    "come to mean another image": (SOME, edited("registry-neuron-training", _set(imageTagMutability="MUTABLE"))),
    "rotating-keys": (SOME, edited("cluster-secrets", _set(enableKeyRotation=False))),
    "encrypted-storage-class": (SOME, edited("addons-gp3", _set(parameters={"type": "gp3"}))),
    "encrypted-lustre": (SOME, edited("files-lustre", _set(deploymentType="SCRATCH_2"))),
    "encrypted-queues": (SOME, edited("karpenter-interruption-queue", _set(sqsManagedSseEnabled=False))),
    "logs-end": (SOME, edited("cluster-logs", _set(retentionInDays=None))),
    "can be made public": (SOME, without("results-private")),
    "is not encrypted: it needs": (SOME, without("results-encryption")),
    "has no versions": (SOME, edited("results-versions", _set(versioningConfiguration={"status": "Suspended"}))),
    "allows *: name the actions": (SOME, _rights(Action="*")),
    "allows s3:*: name": (SOME, _rights(Action=["s3:*"], Resource="x")),
    "allows s3:PutObject on every": (SOME, _rights(Action=["s3:PutObject"])),
    "allows all else": (SOME, _rights(NotAction="iam:*")),
    "is open to everybody": (SOME, edited("karpenter-interruption-policy", _set(policy=EVERYBODY))),
    "takes AdministratorAccess": (SOME, edited("core-role-worker", _set(policyArn="x/AdministratorAccess"))),
    "is privileged": (SOME, pod("tensorboard-deployment", _context(privileged=True))),
    "train-manifest the container step can gain": (SOME, step("train", _context(allowPrivilegeEscalation=True))),
    "may run as root": (SOME, pod("run-job", _context(runAsUser=0))),
    "shares its node's Network": (SOME, step("test", _set(hostNetwork=True))),
    "mounts / of its node": (SOME, pod("workbench-pod", _set(volumes=HOST))),
    "does not say what vCPUs": (SOME, step("prepare", _container(resources={}))),
    "has an image whose tag moves": (SOME, pod("run-metrics-deployment", _container(image="x.io/y:latest"))),
    "gets a token": (SOME, pod("tensorboard-deployment", _set(automountServiceAccountToken=True))),
}


@pytest.mark.parametrize("sentence", BREAKS)
def test_what_is_broken_on_purpose_is_found(sentence: str) -> None:
    name, change = BREAKS[sentence]
    assert [one for one in found(change(graph(name))) if sentence in one]


def test_each_rule_finds_something_that_is_broken_on_purpose() -> None:
    said = {one.partition(":")[0] for name, change in BREAKS.values() for one in found(change(graph(name)))}
    assert {*RULES, *STACK_RULES} - said == {"encrypted-volumes", "encrypted-efs"}


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        ("aws:ebs/volume:Volume", {"encrypted": False}),
        ("aws:efs/fileSystem:FileSystem", {}),
        ("aws:ec2/securityGroupRule:SecurityGroupRule", {"type": "ingress", "cidrBlocks": ["0.0.0.0/0"]}),
        ("aws:eks/cluster:Cluster", {"vpcConfig": {"endpointPublicAccess": True}}),
    ],
)
def test_what_no_stack_has_would_be_found_too(kind: str, props: dict[str, Any]) -> None:
    assert [sentence for rule in RULES.values() for sentence in rule.wrong(kind, props)]


def test_the_cluster_that_pulumi_eks_makes_is_held_to_the_same_in_its_own_words() -> None:
    made = {
        "vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["198.51.100.7/32"]},
        "accessConfig": {"authenticationMode": "API"},
        "encryptionConfig": {"provider": {"keyArn": "x"}, "resources": ["secrets"]},
        "enabledClusterLogTypes": sorted(aws_rules.CLUSTER_LOGS),
    }
    assert RULES["closed-cluster"].wrong("aws:eks/cluster:Cluster", made) == []


def test_every_exception_is_made_use_of_and_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    exceptions = dict(pod_rules.EXCEPTIONS)
    for left_out, reason in exceptions.items():
        assert reason
        kept = {one: why for one, why in exceptions.items() if one != left_out}
        monkeypatch.setattr(pod_rules, "EXCEPTIONS", kept)
        assert any(one.startswith(left_out[0]) for name in LAUNCHED for one in found(graph(name))), left_out


@pytest.mark.parametrize("action", iam_rules.EXCEPTIONS)
def test_every_exception_among_rights_has_a_reason(action: str) -> None:
    assert iam_rules.EXCEPTIONS[action]
