"""The shared file system: FSx for Lustre, reached by the nodes alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .outputs import once

LUSTRE_VERSION = "2.15"
"""The client in AL2023 is 2.15 as well; it refuses a server of 2.10."""

PORTS = ((988, 988), (1018, 1023))
DATA_PATH = "/data"
CHANGES = ("NEW", "CHANGED", "DELETED")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystemArgs:
    """`capacity` in GiB, `throughput` in MB/s for each TiB; limits.py knows which there are.

    A capacity can grow in place. A smaller one is another file system, and an empty one.
    """

    vpc_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    client_cidrs: Sequence[str]
    """Where nodes and pods are. Their security group is the cluster's, which would have to be there first."""
    capacity: int = 1200
    throughput: int = 125
    data: str | None = None
    """A folder in S3 in the same region, s3://bucket/prefix/, that is to appear at /data and is never written to."""
    log_days: int = 30


class FileSystem(pulumi.ComponentResource):
    """FSx for Lustre PERSISTENT_2 on SSD, with LZ4, in one subnet. It needs the network, not the cluster.

    1200 GiB at 125 MB/s for each TiB cost $0.24 an hour, busy or not ($0.145 a GB and month in us-east-1: c3x.dev, read
    2026-11-21). It comes to be in some ten minutes, a folder of S3 in up to seven more. No backups: what is worth
    keeping is in the results bucket.
    """

    file_system_id: pulumi.Output[str]
    """Known once the file system is there, and the folder from S3 with it, where one is named."""
    dns_name: pulumi.Output[str]
    mount_name: pulumi.Output[str]
    capacity: int
    """GiB."""

    def __init__(self, name: str, args: FileSystemArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:FileSystem", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        logs = aws.cloudwatch.LogGroup(
            # FSx writes to groups with such a name only
            f"{name}-logs",
            name_prefix=f"/aws/fsx/{name}-",
            retention_in_days=args.log_days,
            opts=child,
        )
        made = aws.fsx.LustreFileSystem(
            f"{name}-lustre",
            subnet_ids=args.subnet_id,
            security_group_ids=[self._security_group(name, args)],
            deployment_type="PERSISTENT_2",
            storage_type="SSD",
            storage_capacity=args.capacity,
            per_unit_storage_throughput=args.throughput,
            data_compression_type="LZ4",
            file_system_type_version=LUSTRE_VERSION,
            automatic_backup_retention_days=0,
            log_configuration=aws.fsx.LustreFileSystemLogConfigurationArgs(level="WARN_ERROR", destination=logs.arn),
            tags={"Name": name},
            opts=child,
        )
        self.file_system_id = once(made.id, self._data(name, args.data, made.id)) if args.data else made.id
        self.dns_name, self.mount_name, self.capacity = made.dns_name, made.mount_name, args.capacity
        self.register_outputs(
            {"file_system_id": self.file_system_id, "dns_name": self.dns_name, "mount_name": self.mount_name}
        )

    def _data(self, name: str, folder: str, file_system_id: pulumi.Input[str]) -> pulumi.Output[str]:
        association = aws.fsx.DataRepositoryAssociation(
            f"{name}-data",
            file_system_id=file_system_id,
            file_system_path=DATA_PATH,
            data_repository_path=folder,
            batch_import_meta_data_on_create=True,
            delete_data_in_filesystem=False,
            s3=aws.fsx.DataRepositoryAssociationS3Args(
                auto_import_policy=aws.fsx.DataRepositoryAssociationS3AutoImportPolicyArgs(events=CHANGES)
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return association.id

    def _security_group(self, name: str, args: FileSystemArgs) -> pulumi.Output[str]:
        """The group's id, known once its rules are there: FSx makes no file system that its servers cannot talk in."""
        group = aws.ec2.SecurityGroup(
            f"{name}-servers",
            vpc_id=args.vpc_id,
            description="Lustre servers: among themselves, and with nodes and pods",
            opts=pulumi.ResourceOptions(parent=self),
        )
        rules = self._rules(f"{name}-servers", group, "other servers", {"referenced_security_group_id": group.id})
        for number, cidr in enumerate(args.client_cidrs, 1):
            rules += self._rules(f"{name}-clients-{number}", group, "nodes and pods", {"cidr_ipv4": cidr})
        return once(group.id, *rules)

    def _rules(
        self, name: str, group: aws.ec2.SecurityGroup, peers: str, peer: dict[str, pulumi.Input[str]]
    ) -> list[pulumi.Output[str]]:
        """Lustre's ports, both ways: its servers call back."""
        directions = {"from": aws.vpc.SecurityGroupIngressRule, "to": aws.vpc.SecurityGroupEgressRule}
        return [
            rule(
                f"{name}-{direction}-{first}",
                security_group_id=group.id,
                description=f"Lustre {direction} {peers}",
                ip_protocol="tcp",
                from_port=first,
                to_port=last,
                **peer,
                opts=pulumi.ResourceOptions(parent=group),
            ).id
            for direction, rule in directions.items()
            for first, last in PORTS
        ]
