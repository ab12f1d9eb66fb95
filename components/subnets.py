"""The address plan of the network, and what AWS would refuse in it. Plain values: settings check with it, too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import combinations

PRIMARY = "10.1.0.0/21"
SECONDARY = "100.64.0.0/16"
SERVICES = "172.20.0.0/16"

PRIVATE_RANGES = tuple(IPv4Network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
SHARED_RANGE = IPv4Network("100.64.0.0/10")


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """The CIDR of each subnet. The pairs are for two zones; nothing in them depends on which zones those are."""

    private: tuple[str, str]
    """The control plane's network interfaces, internal load balancers and interface endpoints."""
    public: tuple[str, str]
    """NAT gateways and load balancers that face the internet."""
    nodes: tuple[str, str]
    """Nodes and pods of all but training."""
    training: str
    """Nodes and pods of the zone that trains: half of the secondary block, since a node's EFA interfaces and the
    prefixes of its pods take some forty addresses."""


def address_plan(primary: str, secondary: str) -> AddressPlan:
    """Cuts the VPC's blocks: /24s from a primary /21, half of them spare; a half and two quarters of the secondary."""
    private_1, private_2, public_1, public_2, *_ = map(str, IPv4Network(primary).subnets(prefixlen_diff=3))
    training, rest = IPv4Network(secondary).subnets()
    nodes_1, nodes_2 = map(str, rest.subnets())
    return AddressPlan((private_1, private_2), (public_1, public_2), (nodes_1, nodes_2), str(training))


@dataclass(frozen=True, slots=True)
class _Block:
    """What AWS asks of a CIDR block: its size, and the ranges it must lie in."""

    largest: int
    smallest: int
    within: tuple[IPv4Network, ...]


_BLOCKS = {
    # a subnet is an eighth of the primary block, and at least a /28
    "primary": _Block(16, 25, (*PRIVATE_RANGES, SHARED_RANGE)),
    # a training subnet of 2048 addresses holds some fifty trn1.32xlarge
    "secondary": _Block(16, 20, (*PRIVATE_RANGES, SHARED_RANGE)),
    "services": _Block(12, 24, PRIVATE_RANGES),
}


def cidr_faults(*, primary: str, secondary: str, services: str) -> dict[str, str]:
    """What is wrong with the VPC's two blocks and the range of Kubernetes services: a sentence for each at fault."""
    given = {"primary": primary, "secondary": secondary, "services": services}
    faults = {name: fault for name, text in given.items() if (fault := _block_fault(text, _BLOCKS[name]))}
    sound = {name: IPv4Network(text) for name, text in given.items() if name not in faults}
    for name, fault in _between(sound):
        faults.setdefault(name, fault)
    return faults


def _block_fault(text: str, wants: _Block) -> str | None:
    try:
        block = IPv4Network(text)
    except ValueError as error:
        return f"{text!r} is not an IPv4 CIDR block: {error}. Allowed: a block such as 10.1.0.0/21."
    if not wants.largest <= block.prefixlen <= wants.smallest:
        return f"{text} is too {_size(block, wants)}. Allowed: /{wants.largest} to /{wants.smallest}."
    if not any(block.subnet_of(one) for one in wants.within):
        return f"{text} lies outside the private ranges. Allowed: {', '.join(map(str, wants.within))}."
    return None


def _size(block: IPv4Network, wants: _Block) -> str:
    return "large" if block.prefixlen < wants.largest else "small"


def _between(blocks: Mapping[str, IPv4Network]) -> Iterator[tuple[str, str]]:
    """Overlaps, told of the later of two blocks; and a secondary block that AWS does not attach beside the primary."""
    for (_, first), (name, second) in combinations(blocks.items(), 2):
        if first.overlaps(second):
            yield name, f"{second} overlaps {first}. Allowed: blocks that do not overlap."
    primary, secondary = blocks.get("primary"), blocks.get("secondary")
    if primary and secondary and not secondary.subnet_of(SHARED_RANGE) and _range(primary) != _range(secondary):
        yield (
            "secondary",
            (
                f"AWS attaches no {secondary} to a VPC of {primary}. Allowed: a block in {SHARED_RANGE}"
                f"{f' or {_range(primary)}' if _range(primary) != SHARED_RANGE else ''}."
            ),
        )


def _range(block: IPv4Network) -> IPv4Network:
    return next(one for one in (*PRIVATE_RANGES, SHARED_RANGE) if block.subnet_of(one))
