"""The file system under the recorder: its kind, its walls, and the folder from S3."""

from typing import Any

import pulumi
import pytest

from components.filesystem import FileSystem, FileSystemArgs
from stacks.recorder import Recording

from .recorded import all_of, inputs, only, recorded, waits_for

NODES = "100.64.0.0/16"


def file_system(**changes: Any) -> Recording:
    def program() -> None:
        given: dict[str, Any] = {"vpc_id": "vpc-1", "subnet_id": "subnet-1", "client_cidrs": [NODES]}
        made = FileSystem("shared", FileSystemArgs(**{**given, **changes}))
        pulumi.CustomResource("test:index:User", "mounts", {"of": made.file_system_id})

    return recorded(program)


def test_it_is_persistent_2_on_ssd_with_lz4_in_one_subnet() -> None:
    made = only(file_system(capacity=4800, throughput=250), "LustreFileSystem").inputs
    assert made["subnetIds"] == "subnet-1"
    assert (made["deploymentType"], made["storageType"]) == ("PERSISTENT_2", "SSD")
    assert (made["dataCompressionType"], made["fileSystemTypeVersion"]) == ("LZ4", "2.15")
    assert (made["storageCapacity"], made["perUnitStorageThroughput"]) == (4800, 250)


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_lustres_ports_are_open_to_servers_and_nodes_and_nothing_else_is(direction: str) -> None:
    rules = inputs(file_system(), f"SecurityGroup{direction}Rule").values()
    ports = {(988, 988), (1018, 1023)}
    open_to = {
        (one.get("cidrIpv4") or one["referencedSecurityGroupId"], one["fromPort"], one["toPort"]) for one in rules
    }
    assert open_to == {(peer, *pair) for peer in (NODES, "shared-servers-id") for pair in ports}
    assert {one["ipProtocol"] for one in rules} == {"tcp"}


def test_it_waits_for_its_rules_without_which_fsx_refuses_it() -> None:
    made = file_system()
    rules = {one.name for one in made.resources if one.type.endswith("Rule")}
    assert len(rules) == 8
    assert rules <= waits_for(made, "shared-lustre")


def test_it_needs_nothing_of_a_cluster() -> None:
    assert not [one for one in file_system(data="s3://b/x").resources if "eks" in one.type or "kubernetes" in one.type]


def test_without_a_folder_in_s3_there_is_no_association() -> None:
    made = file_system()
    assert all_of(made, "DataRepositoryAssociation") == []
    assert "shared-lustre" in waits_for(made, "mounts")


def test_a_folder_in_s3_appears_at_data_and_is_not_written_to() -> None:
    made = only(file_system(data="s3://my-data/rows/"), "DataRepositoryAssociation").inputs
    assert (made["dataRepositoryPath"], made["fileSystemPath"]) == ("s3://my-data/rows/", "/data")
    assert made["batchImportMetaDataOnCreate"] is True
    assert made["s3"] == {"autoImportPolicy": {"events": ["NEW", "CHANGED", "DELETED"]}}
    assert made["fileSystemId"] == "shared-lustre-id"


def test_who_mounts_it_waits_for_the_folder_too_and_the_folder_goes_before_the_file_system() -> None:
    made = file_system(data="s3://my-data/rows/")
    assert "shared-data" in waits_for(made, "mounts")
    assert "shared-lustre" in waits_for(made, "shared-data")


def test_it_logs_to_a_group_that_fsx_may_write_to_and_that_forgets() -> None:
    made = file_system(log_days=3)
    group = only(made, "LogGroup").inputs
    assert group["namePrefix"].startswith("/aws/fsx/")
    assert group["retentionInDays"] == 3
    assert "shared-logs" in waits_for(made, "shared-lustre")
