"""EKS clusters, and the Auto Scaling groups that EKS makes for node groups: they start machines again."""

from .. import prices
from ..aws.account import Account, tags_of
from ..aws.owner import Owner
from .leftover import Leftover

CLUSTER = "cluster"


def clusters(account: Account, owner: Owner) -> list[Leftover]:
    found = [name for name in account.all("eks", "list_clusters", "clusters") if owner.is_cluster(name)]
    return [_cluster(account, name) for name in found]


def _cluster(account: Account, name: str) -> Leftover:
    groups = account.all("eks", "list_nodegroups", "nodegroups", clusterName=name)
    of = ("--cluster-name", name)
    steps = [account.command("eks", "delete-nodegroup", *of, "--nodegroup-name", group) for group in groups]
    steps += [account.command("eks", "wait", "nodegroup-deleted", *of, "--nodegroup-name", group) for group in groups]
    steps.append(account.command("eks", "delete-cluster", "--name", name))
    text = f"{len(groups)} node groups" if groups else "no node groups"
    return Leftover(CLUSTER, name, text, prices.CLUSTER_HOUR.dollars * 24, " && ".join(steps))


def scaling_groups(account: Account, owner: Owner) -> list[Leftover]:
    found = account.all("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups")
    own = [one for one in found if owner.has(tags_of(one)) and not one.get("Status")]
    words = ("autoscaling", "delete-auto-scaling-group", "--force-delete", "--auto-scaling-group-name")
    return [
        Leftover(
            "scaling group",
            one["AutoScalingGroupName"],
            f"keeps {one['DesiredCapacity']} machines",
            0.0,
            account.command(*words, one["AutoScalingGroupName"]),
        )
        for one in own
    ]
