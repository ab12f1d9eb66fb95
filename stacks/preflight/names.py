"""Names that an earlier stack left behind and this one would want: those alone that the program fixes itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..aws.account import Account
from ..aws.trouble import Trouble
from .finding import Finding, ok, wrong
from .wanted import Wanted


@dataclass(frozen=True, slots=True)
class Named:
    """A kind of thing with names of its own: whether there is one of a name, and the words that remove it."""

    what: str
    taken: Callable[[Account, str], bool]
    remove: tuple[str, ...]


def names(account: Account, wanted: Wanted) -> Finding:
    clusters = [name for name in account.all("eks", "list_clusters", "clusters") if wanted.owner.is_cluster(name)]
    if clusters:
        return ok("names", f"{', '.join(clusters)} stands: what has a name of this stack's is its own")
    taken = [(KINDS[kind], name) for kind, name in wanted.names if KINDS[kind].taken(account, name)]
    if taken:
        removals = [account.command(*kind.remove, name) for kind, name in taken]
        told = ", ".join(f"{kind.what} {name}" for kind, name in taken)
        return wrong("names", f"taken by an earlier stack: {told}", " && ".join(removals))
    fixed = f"{len(wanted.names)} fixed names are free" if wanted.names else "none is fixed: each gets its own ending"
    logs = _groups(account, f"/aws/eks/{wanted.owner.label}-")
    left = f"; left by an earlier stack and in nobody's way: {', '.join(logs)}" if logs else ""
    return ok("names", fixed + left)


def _groups(account: Account, prefix: str) -> list[str]:
    found = account.all("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)
    return [one["logGroupName"] for one in found]


def _alias(account: Account, name: str) -> bool:
    return name in [one["AliasName"] for one in account.all("kms", "list_aliases", "Aliases")]


def _told(service: str, operation: str, key: str, missing: str) -> Callable[[Account, str], bool]:
    """Asks for one by its name, in the argument `key`; `missing` is how AWS's code for none begins, or ends."""

    def taken(account: Account, name: str) -> bool:
        try:
            account.ask(service, operation, **{key: [name] if key.endswith("Names") else name})
        except Trouble as trouble:
            if missing in trouble.code:
                return False
            raise
        return True

    return taken


KINDS: Mapping[str, Named] = {
    "aws:cloudwatch/logGroup:LogGroup": Named(
        "log group",
        lambda account, name: name in _groups(account, name),
        ("logs", "delete-log-group", "--log-group-name"),
    ),
    "aws:ecr/repository:Repository": Named(
        "image repository",
        _told("ecr", "describe_repositories", "repositoryNames", "RepositoryNotFound"),
        ("ecr", "delete-repository", "--force", "--repository-name"),
    ),
    "aws:iam/instanceProfile:InstanceProfile": Named(
        "instance profile",
        _told("iam", "get_instance_profile", "InstanceProfileName", "NoSuchEntity"),
        ("iam", "delete-instance-profile", "--instance-profile-name"),
    ),
    "aws:iam/role:Role": Named(
        "role",
        _told("iam", "get_role", "RoleName", "NoSuchEntity"),
        ("iam", "delete-role", "--role-name"),
    ),
    "aws:kms/alias:Alias": Named("key alias", _alias, ("kms", "delete-alias", "--alias-name")),
}
"""By the Pulumi type: the same as in wanted.NAMED_BY."""
