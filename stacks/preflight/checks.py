"""All checks of a stack, side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .. import config, program
from ..aws.account import Account
from ..aws.together import together
from ..aws.trouble import Trouble
from ..recorder import record
from ..settings import read
from .finding import Finding, wrong
from .hugging_face import CHECK as HUGGING_FACE
from .hugging_face import from_pulumi, hugging_face
from .identity import identity
from .kubernetes import kubernetes
from .names import names
from .quotas import QUOTAS, quota
from .reservation import reservation
from .tools import TOOLS, tool
from .wanted import Wanted, wanted
from .zones import zones

Check = Callable[[], Finding]

TOOLS_OF = {"eks": ("pulumi", "kubectl", "aws"), "existing": ("pulumi", "kubectl"), "local": ("pulumi",)}


@dataclass(frozen=True, slots=True)
class Asked:
    """A stack to look at: what it would use, and the region and profile that its config names."""

    wanted: Wanted
    region: str | None
    profile: str | None


def asked(stack: str, project: Path = config.PROJECT) -> Asked:
    """From Pulumi.<stack>.yaml; SettingsError for mistakes in it, FileNotFoundError where there is no such file."""
    raw = config.from_file(stack, project)
    settings = read(raw)
    resources = record(program.stand_up, raw, stack).resources
    use = wanted(settings, program.run_of(settings), resources, stack)
    return Asked(use, raw.others.get("aws:region"), raw.others.get("aws:profile"))


def preflight(given: Asked, token: Callable[[str], str] | None = None) -> list[Finding]:
    """What the checks found, each in its place, whatever becomes of the others."""
    token = token or from_pulumi(config.PROJECT)
    checks = {**_in_aws(given), HUGGING_FACE: partial(hugging_face, given.wanted, token)}
    checks |= {name: partial(tool, TOOLS[name], given.wanted) for name in TOOLS_OF[given.wanted.platform]}
    return together([partial(_told, name, check) for name, check in checks.items()])


def _in_aws(given: Asked) -> Mapping[str, Check]:
    """The checks that ask AWS: of the platform `eks` alone."""
    use = given.wanted
    if use.platform != "eks":
        return {}
    if not given.region:
        return {"region": partial(_no_region, use)}
    account = Account(given.region, given.profile)
    asking = {check.__name__: check for check in (identity, zones, reservation, kubernetes, names)}
    checks = {name: partial(check, account, use) for name, check in asking.items()}
    return checks | {limit.check: partial(quota, limit, account, use) for limit in QUOTAS}


def _no_region(use: Wanted) -> Finding:
    return wrong("region", "aws:region is not set", f"pulumi config set aws:region us-west-2 --stack {use.owner.stack}")


def _told(name: str, check: Check) -> Finding:
    try:
        return check()
    except Trouble as trouble:
        return wrong(name, trouble.text, trouble.mend)
