"""What AWS says when a program asks, rather than makes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import aws_kinds
from .aws_world import World
from .provider import ProviderError

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_ZONES = {"a": 2, "b": 1, "c": 3, "d": 4}
TRAINIUM_ZONE = f"{aws_kinds.REGION}d"


class Answers:
    """`zones` are names and ids; `offers` the zones of an instance type where those aren't all. Tests change both.

    `others` come first: an answer to a function of that name (getPartition), or what makes one of its arguments.
    """

    def __init__(self, world: World):
        self._world = world
        self.zones = {f"{aws_kinds.REGION}{letter}": f"usw2-az{number}" for letter, number in _ZONES.items()}
        self.offers: dict[str, Iterable[str]] = dict.fromkeys(
            ("trn1.2xlarge", "trn1.32xlarge", "trn1n.32xlarge", "trn2.48xlarge"), (TRAINIUM_ZONE,)
        )
        self.parameters: dict[str, str] = {}
        self.others: dict[str, Mapping[str, Any] | Answer] = {}

    def to(self, function: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """`function` is getBucket; ProviderError where nothing is known of it."""
        own: Answer | None = getattr(self, f"_{function}", None)
        answer = self.others.get(function) or own
        if answer is None:
            raise ProviderError(f"the double of pulumi-aws has no answer to {function}")
        return answer if isinstance(answer, Mapping) else answer(arguments)

    def _getAvailabilityZones(self, _: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        names = sorted(self.zones)
        return {"id": aws_kinds.REGION, "names": names, "zoneIds": [self.zones[one] for one in names]}

    def _getInstanceTypeOfferings(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        wanted = [one for each in arguments.get("filters", ()) for one in each["values"]]
        pairs = [(one, zone) for one in wanted for zone in self.offers.get(one, self.zones)]
        by_id = arguments.get("locationType") == "availability-zone-id"
        return {
            "id": aws_kinds.REGION,
            "instanceTypes": [one for one, _ in pairs],
            "locations": [self.zones[zone] if by_id else zone for _, zone in pairs],
            "locationTypes": [arguments.get("locationType", "region")] * len(pairs),
        }

    def _getCallerIdentity(self, _: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        return {"accountId": aws_kinds.ACCOUNT, "arn": aws_kinds.USER, "id": aws_kinds.ACCOUNT, "userId": "AIDA"}

    def _getRegion(self, _: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        region = aws_kinds.REGION
        return {"id": region, "name": region, "region": region, "endpoint": f"ec2.{region}.amazonaws.com"}

    def _getPartition(self, _: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}

    def _getBucket(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        bucket = self._world.get("s3.Bucket", arguments["bucket"])
        if bucket is None:
            raise ProviderError(f"getting S3 Bucket ({arguments['bucket']}): couldn't find resource")
        return bucket.outputs

    def _getParameter(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        name = arguments["name"]
        if name not in self.parameters:
            raise ProviderError(f"reading SSM Parameter ({name}): couldn't find resource")
        return {"id": name, "name": name, "type": "String", "value": self.parameters[name], "version": 1}
