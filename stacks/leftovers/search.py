"""All kinds, looked for side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from workloads.hardware import PRICE_DATE, PRICE_REGION

from ..aws.account import Account
from ..aws.owner import Owner
from ..aws.together import together
from ..aws.trouble import Trouble
from .balancers import balancers, classic_balancers, target_groups
from .buckets import buckets
from .clusters import CLUSTER, clusters, scaling_groups
from .ec2 import INSTANCE, KINDS, of_kind
from .files import file_systems
from .images import repositories
from .keys import aliases, keys
from .leftover import Leftover
from .logs import log_groups
from .messages import queues, rules
from .others import others
from .roles import instance_profiles, roles

PRICES = f"machines on demand in {PRICE_REGION} of {PRICE_DATE}, the rest as read on 2026-11-21"

Look = Callable[[Account, Owner], list[Leftover]]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A kind that could not be looked for: whether any is left is not known."""

    kind: str
    text: str
    mend: str | None


@dataclass(frozen=True, slots=True)
class Searched:
    """What is left, in the order in which it lets itself be removed."""

    left: tuple[Leftover, ...]
    kept: tuple[Leftover, ...]
    unknown: tuple[Unknown, ...]

    @property
    def dollars_a_day(self) -> float:
        """Of what is left and has a price by time."""
        return sum(one.dollars_a_day or 0.0 for one in self.left)

    @property
    def stands(self) -> str | None:
        """The name of the stack's cluster, if that is still there: then it may never have been taken down."""
        return next((one.id for one in self.left if one.kind == CLUSTER), None)


def kinds(keep: bool) -> dict[str, Look]:
    """Every kind, by its name, in the order in which they let themselves be removed."""
    machines = {kind.name: partial(of_kind, kind) for kind in KINDS}
    return {
        "load balancer": balancers,
        "classic load balancer": classic_balancers,
        "target group": target_groups,
        "scaling group": scaling_groups,
        INSTANCE.name: machines.pop(INSTANCE.name),
        CLUSTER: clusters,
        "file system": file_systems,
        **machines,
        "image repository": repositories,
        "log group": log_groups,
        "event rule": rules,
        "queue": queues,
        "instance profile": instance_profiles,
        "role": roles,
        "key alias": aliases,
        "key": keys,
        "bucket": partial(buckets, kept=keep),
        "whatever else has its tags": others,
    }


def search(account: Account, owner: Owner, *, keep: bool = True) -> Searched:
    """`keep` is whether the stack's settings keep the results bucket."""
    found = together([partial(_told, name, look, account, owner) for name, look in kinds(keep).items()])
    left = [one for some in found if isinstance(some, list) for one in some]
    return Searched(
        left=tuple(one for one in left if not one.kept),
        kept=tuple(one for one in left if one.kept),
        unknown=tuple(one for one in found if isinstance(one, Unknown)),
    )


def _told(name: str, look: Look, account: Account, owner: Owner) -> list[Leftover] | Unknown:
    try:
        return look(account, owner)
    except Trouble as trouble:
        return Unknown(name, trouble.text, trouble.mend)
