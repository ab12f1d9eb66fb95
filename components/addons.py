"""The add-ons that run on nodes: each is active only once a node has taken its pods."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from .addon import Addon, AddonArgs, Identity
from .outputs import once
from .pod_identity import policy

EBS_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonsArgs:
    """`nodes` is anything that is known once there are nodes; `node_selector` says which of them are always there.

    Controllers that stayed on a node which Karpenter bought would keep it from being taken away.
    """

    cluster_name: pulumi.Input[str]
    versions: Mapping[str, str]
    nodes: pulumi.Input[str]
    node_selector: Mapping[str, str] = field(default_factory=dict)


class Addons(pulumi.ComponentResource):
    """DNS, the drivers of EBS and FSx for Lustre, metrics, and the default storage class. All cost nothing."""

    dns: Addon
    block_storage: Addon
    lustre: Addon
    """Pods mount the shared volume by it: they are to be gone before it is."""
    metrics: Addon
    storage_class: pulumi.Output[str]
    """The default one: EBS gp3, encrypted. Known once its driver is there."""

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Addons", name, {}, opts)
        cluster_name = once(args.cluster_name, args.nodes)
        made = {
            addon: Addon(
                f"{name}-{addon}",
                AddonArgs(
                    cluster_name=cluster_name,
                    addon=addon,
                    version=args.versions[addon],
                    configuration=configuration(addon, args.node_selector),
                    identity=IDENTITIES.get(addon),
                ),
                pulumi.ResourceOptions(parent=self),
            )
            for addon in ("coredns", "aws-ebs-csi-driver", "aws-fsx-csi-driver", "metrics-server")
        }
        self.dns, self.block_storage, self.lustre, self.metrics = made.values()
        self.storage_class = self._storage_class(name)
        self.register_outputs({"storage_class": self.storage_class})

    def _storage_class(self, name: str) -> pulumi.Output[str]:
        """EKS makes a class of gp2 that is neither encrypted nor the default."""
        made = kubernetes.storage.v1.StorageClass(
            f"{name}-gp3",
            metadata=ObjectMetaArgs(annotations={"storageclass.kubernetes.io/is-default-class": "true"}),
            provisioner="ebs.csi.aws.com",
            parameters={"type": "gp3", "encrypted": "true"},
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return once(made.metadata.name, self.block_storage.arn)


IDENTITIES = {
    "aws-ebs-csi-driver": Identity(service_account="ebs-csi-controller-sa", managed_policy=EBS_POLICY),
    # the volume is static: the driver has nothing to create, and AmazonFSxFullAccess would let it delete
    "aws-fsx-csi-driver": Identity(
        service_account="fsx-csi-controller-sa",
        policy=policy(
            {
                "Effect": "Allow",
                "Action": "fsx:DescribeFileSystems",
                "Resource": "arn:aws:fsx:*:*:file-system/*",
            }
        ),
    ),
}


def configuration(addon: str, node_selector: Mapping[str, str]) -> dict[str, Any]:
    """`addon`'s values: the drivers' controllers stand apart from their pods on every node."""
    if not node_selector:
        return {}
    placed = {"nodeSelector": dict(node_selector)}
    return {"controller": placed} if addon.endswith("-csi-driver") else placed
