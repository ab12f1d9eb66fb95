"""The shared file system inside the cluster: a volume, and the claim by which pods mount it."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import (
    CSIPersistentVolumeSourceArgs,
    ObjectReferenceArgs,
    PersistentVolumeClaimSpecArgs,
    PersistentVolumeSpecArgs,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

DRIVER = "fsx.csi.aws.com"
SHARED = ["ReadWriteMany"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeArgs:
    """`capacity` in GiB, for show: Kubernetes does not enforce it here. `claim` is the name that pods mount by."""

    namespace: pulumi.Input[str]
    file_system_id: pulumi.Input[str]
    dns_name: pulumi.Input[str]
    mount_name: pulumi.Input[str]
    capacity: int
    claim: str = "shared"


class Volume(pulumi.ComponentResource):
    """A volume and its claim, made for each other. They cost nothing, and deleting them leaves every file."""

    claim: pulumi.Output[str]
    """Known once the claim is bound."""

    def __init__(self, name: str, args: VolumeArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Volume", name, {}, opts)
        capacity = {"storage": f"{args.capacity}Gi"}
        volume = kubernetes.core.v1.PersistentVolume(
            f"{name}-volume",
            metadata=ObjectMetaArgs(labels={"app.kubernetes.io/managed-by": "trainyard"}),
            spec=PersistentVolumeSpecArgs(
                capacity=capacity,
                access_modes=SHARED,
                # locks of the Neuron compile cache and of HDF5
                mount_options=["flock"],
                persistent_volume_reclaim_policy="Retain",
                storage_class_name="",
                claim_ref=ObjectReferenceArgs(namespace=args.namespace, name=args.claim),
                csi=CSIPersistentVolumeSourceArgs(
                    driver=DRIVER,
                    volume_handle=args.file_system_id,
                    volume_attributes={"dnsname": args.dns_name, "mountname": args.mount_name},
                ),
            ),
            # once bound, a volume belongs to that one claim for good: another claim gets another volume
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["spec.claimRef"]),
        )
        claim = kubernetes.core.v1.PersistentVolumeClaim(
            f"{name}-claim",
            metadata=ObjectMetaArgs(name=args.claim, namespace=args.namespace),
            spec=PersistentVolumeClaimSpecArgs(
                access_modes=SHARED,
                resources=VolumeResourceRequirementsArgs(requests=capacity),
                storage_class_name="",
                volume_name=volume.metadata.name,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.claim = claim.metadata.name
        self.register_outputs({"claim": self.claim})
