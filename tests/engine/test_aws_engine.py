"""An EKS stack's components under the real engine, on the doubles of pulumi-aws and pulumi-eks."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pytest
from pulumi import automation as auto

from components import zones
from components.access import Access
from components.cluster import Cluster, ClusterArgs
from components.core_nodes import CoreNodes, CoreNodesArgs
from components.filesystem import FileSystem, FileSystemArgs
from components.guard.budget import Budget, BudgetArgs
from components.interruption import Interruption, InterruptionArgs
from components.network import Network, NetworkArgs
from components.node_role import NodeRole, NodeRoleArgs
from components.registry import Registry, RegistryArgs
from components.results import Results, ResultsArgs
from components.trainium import TrainiumType
from components.trainium_nodes import TrainiumNodes, TrainiumNodesArgs
from components.versions import DEFAULT_KUBERNETES, KUBERNETES

from .doubles import attached
from .doubles.aws import Aws
from .doubles.eks import Eks
from .doubles.kubernetes import Kubernetes
from .stack import interrupt, settled, skipping

Program = Callable[[], None]


class Engine:
    """A stack of any program, on the doubles."""

    def __init__(self, folder: Path, environment: Mapping[str, str], aws_double: Aws):
        self.world, self.answers = aws_double.world, aws_double.answers
        self._folder = folder
        self._environment = dict(environment)

    def of(self, program: Program) -> auto.Stack:
        root = auto.PulumiCommand(str(self._folder), skip_version_check=True)
        options = auto.LocalWorkspaceOptions(env_vars=self._environment, pulumi_command=root)
        stack = auto.create_or_select_stack("test", "doubles", program, opts=options)
        stack.set_config("aws:region", auto.ConfigValue("us-west-2"))
        stack.set_config("aws:defaultTags", auto.ConfigValue('{"tags": {"trainyard:stack": "test"}}'))
        return stack

    def left(self) -> set[str]:
        """The ids of what exists; of a bucket, all of its settings have the same."""
        return {one.id for one in self.world.made()}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    double = Aws()
    doubles = {"aws": double, "eks": Eks(), "kubernetes": Kubernetes()}
    with skipping(), settled(tmp_path) as environment, attached(doubles) as providers:
        yield Engine(tmp_path, {**environment, "PULUMI_DEBUG_PROVIDERS": providers}, double)


PINNED = KUBERNETES[DEFAULT_KUBERNETES]
TYPE = TrainiumType(name="trn1.32xlarge", devices=16, efa_interfaces=8)


def foundation() -> tuple[Network, Cluster]:
    """What a stack stands on: network, cluster, storage."""
    chosen = zones.look_up(TYPE.name, None)
    first, second = (chosen.apply(lambda one, n=number: one.control_plane[n]) for number in (0, 1))
    network = Network(
        "dev",
        NetworkArgs(
            discovery="dev",
            region="us-west-2",
            zones=(first, second),
            training_zone=chosen.apply(lambda one: one.training),
            interface_endpoints=("ecr.api",),
        ),
    )
    cluster = Cluster(
        "dev",
        ClusterArgs(
            label="trainyard-dev",
            version=PINNED.version,
            addons=PINNED.addons,
            vpc_id=network.vpc_id,
            subnet_ids=network.control_plane_subnet_ids,
            access={"ops": Access(principal_arn="arn:aws:iam::999999999999:role/ops")},
        ),
    )
    storage = FileSystemArgs(vpc_id=network.vpc_id, subnet_id=network.storage_subnet_id, client_cidrs=["100.64.0.0/16"])
    pulumi.export("dns_name", FileSystem("dev", storage).dns_name)
    pulumi.export("bucket", Results("dev", ResultsArgs()).name)
    pulumi.export("zone", network.training_zone)
    pulumi.export("cluster", cluster.name)
    pulumi.export("kubeconfig", cluster.kubeconfig)
    return network, cluster


def with_nodes() -> None:
    """The same, with everything else that is AWS's alone."""
    network, cluster = foundation()
    shared: dict[str, Any] = {
        "cluster_name": cluster.name_for_nodes,
        "kubernetes_version": cluster.version,
        "image_release": PINNED.image_release,
        "node_role_arn": NodeRole("dev-nodes", NodeRoleArgs(network=False)).arn,
        "security_group_id": cluster.security_group_id,
        "tags": {"trainyard:stack": "test"},
    }
    CoreNodes("dev-core", CoreNodesArgs(**shared, subnet_ids=network.node_subnet_ids))
    TrainiumNodes(
        "dev-training",
        TrainiumNodesArgs(**shared, subnet_id=network.training_subnet_id, instance=TYPE, max_size=2),
    )
    Registry("dev-images", RegistryArgs(repositories=["training"]))
    Interruption("dev-interruption", InterruptionArgs())
    Budget("dev-budget", BudgetArgs(dollars=100, emails=["somebody@example.com"], tags={"trainyard:stack": "test"}))


def changes(result: Any) -> set[str]:
    return set(result.summary.resource_changes)


def order(engine: Engine, first: str, then: str) -> bool:
    """Whether all of the one kind were gone before any of the other began to go."""
    firsts, others = engine.world.events("delete", first), engine.world.events("delete", then)
    assert firsts
    assert others
    return max(one.ended for one in firsts) <= min(one.began for one in others)


def test_a_whole_stack_comes_up_stays_as_it_is_and_goes_in_order(engine: Engine) -> None:
    stack = engine.of(with_nodes)
    assert set(stack.preview().change_summary) == {"create"}
    assert engine.world.all() == []
    outputs = {name: one.value for name, one in stack.up().outputs.items()}
    assert outputs["zone"] == "us-west-2d"
    assert outputs["dns_name"].endswith(".fsx.us-west-2.amazonaws.com")
    assert f'"{outputs["cluster"]}"' in outputs["kubeconfig"]
    assert {one.kind for one in engine.world.made()} >= {"eks.Cluster", "eks.NodeGroup", "fsx.LustreFileSystem"}
    assert changes(stack.up()) == {"same"}
    assert changes(stack.refresh()) == {"same"}
    stack.destroy()
    assert engine.left() == {outputs["bucket"]}
    assert order(engine, "eks.NodeGroup", "eks.Cluster")
    assert order(engine, "fsx.LustreFileSystem", "ec2.Subnet")
    assert order(engine, "eks.NodeGroup", "ec2.NatGateway")


def test_another_answer_of_aws_moves_nothing(engine: Engine) -> None:
    stack = engine.of(lambda: foundation() and None)
    stack.up()
    engine.answers.offers[TYPE.name] = ["us-west-2a"]
    assert changes(stack.up()) == {"same"}


def test_what_is_broken_off_in_the_midst_is_taken_up_by_the_next_update(engine: Engine) -> None:
    stack = engine.of(lambda: foundation() and None)
    broken_off(engine, stack)
    lustre = engine.world.all("fsx.LustreFileSystem")
    assert engine.world.all("eks.Cluster") == []
    stack.up()
    assert engine.world.all("fsx.LustreFileSystem") == lustre
    assert len(engine.world.all("eks.Cluster")) == 1
    assert changes(stack.up()) == {"same"}
    bucket = stack.outputs()["bucket"].value
    stack.destroy()
    assert engine.left() == {bucket}


def test_half_a_stack_can_be_taken_down(engine: Engine) -> None:
    stack = engine.of(lambda: foundation() and None)
    broken_off(engine, stack)
    stack.destroy()
    assert {one.kind for one in engine.world.made() if not one.kind.startswith("s3.Bucket")} == set()


def broken_off(engine: Engine, stack: auto.Stack) -> None:
    """An update that gets a Ctrl-C while the file system and the control plane's key are under way."""
    engine.world.latency.update({"fsx.LustreFileSystem": 60, "kms.Key": 60})
    interrupting = threading.Thread(target=_interrupt_when_under_way, args=(engine, "fsx.LustreFileSystem"))
    interrupting.start()
    with pytest.raises(auto.CommandError, match="cancel"):
        stack.up()
    interrupting.join()
    engine.world.latency.clear()


def _interrupt_when_under_way(engine: Engine, kind: str) -> None:
    ends = time.monotonic() + 60
    while not engine.world.all(kind) and time.monotonic() < ends:
        time.sleep(0.05)
    interrupt()


def test_a_failed_creation_is_told_in_aws_words_and_the_next_update_makes_what_is_missing(engine: Engine) -> None:
    stack = engine.of(lambda: foundation() and None)
    engine.world.fail("fsx.LustreFileSystem", "InsufficientCapacity: no storage left in us-west-2d")
    with pytest.raises(auto.CommandError, match="InsufficientCapacity"):
        stack.up()
    stack.up()
    assert len(engine.world.all("fsx.LustreFileSystem")) == 1
    assert len(engine.world.all("eks.Cluster")) == 1


def test_storage_grows_in_place_shrinks_into_another_and_what_somebody_changed_is_mended(engine: Engine) -> None:
    def stack(capacity: int) -> auto.Stack:
        def program() -> None:
            vpc = aws.ec2.Vpc("dev", cidr_block="10.1.0.0/21")
            subnet = aws.ec2.Subnet("dev", vpc_id=vpc.id, cidr_block="10.1.0.0/24")
            chosen: dict[str, Any] = {"capacity": capacity, "client_cidrs": ["10.1.0.0/21"]}
            FileSystem("dev", FileSystemArgs(vpc_id=vpc.id, subnet_id=subnet.id, **chosen))

        return engine.of(program)

    stack(1200).up()
    (first,) = engine.world.all("fsx.LustreFileSystem")
    assert changes(stack(2400).up()) == {"same", "update"}
    assert (first.inputs["storageCapacity"], engine.world.all("fsx.LustreFileSystem")) == (2400, [first])
    assert changes(stack(1200).up()) == {"same", "replace"}
    (second,) = engine.world.all("fsx.LustreFileSystem")
    assert second.id != first.id
    second.inputs["perUnitStorageThroughput"] = 500
    stack(1200).refresh()
    assert changes(stack(1200).up()) == {"same", "update"}
    assert second.inputs["perUnitStorageThroughput"] == 125


def test_what_pulumi_eks_does_not_know_is_refused(engine: Engine) -> None:
    def program() -> None:
        wrong: dict[str, Any] = {"authentication_mode": "APIS", "upgrade_policy": {"supportType": 1}}
        eks.Cluster("dev", subnet_ids=["subnet-1"], **wrong)

    with pytest.raises(
        auto.CommandError, match=r"authenticationMode: expected one of(?s:.*)upgradePolicy\.supportType"
    ):
        engine.of(program).preview()


def test_what_the_double_of_pulumi_eks_lacks_is_told(engine: Engine) -> None:
    with pytest.raises(auto.CommandError, match="the double of pulumi-eks makes no default node group"):
        engine.of(lambda: eks.Cluster("dev") and None).preview()


def test_default_tags_reach_everything_that_has_tags(engine: Engine) -> None:
    engine.of(lambda: foundation() and None).up()
    for kind in ("ec2.Vpc", "ec2.Subnet", "fsx.LustreFileSystem", "eks.Cluster", "kms.Key"):
        for one in engine.world.all(kind):
            assert one.inputs["tags"]["trainyard:stack"] == "test", one
