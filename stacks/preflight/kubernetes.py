"""Whether EKS still supports the version of Kubernetes at its standard price."""

from datetime import UTC, date, datetime

from components.limits import kubernetes_fault
from components.versions import DEFAULT_KUBERNETES, STANDARD_SUPPORT_ENDS

from ..aws.account import Account
from .finding import Finding, ok, wrong
from .wanted import Wanted

SOON = 60
"""Days before the end of support from which on it is said."""


def kubernetes(account: Account, wanted: Wanted, today: date | None = None) -> Finding:
    today, version = today or datetime.now(UTC).date(), wanted.kubernetes
    newer = f"pulumi config set --path trainyard:cluster.kubernetes '{DEFAULT_KUBERNETES}' --stack {wanted.owner.stack}"
    mend = newer if version != DEFAULT_KUBERNETES else None
    fault = kubernetes_fault(version, today)
    if fault:
        return wrong("kubernetes", fault, mend)
    found = account.all("eks", "describe_cluster_versions", "clusterVersions", clusterVersions=[version])
    if not found:
        return wrong("kubernetes", f"EKS has no Kubernetes {version} in {account.region}", mend)
    status = found[0].get("versionStatus") or found[0]["status"].upper().replace("-", "_")
    if status != "STANDARD_SUPPORT":
        return wrong("kubernetes", f"EKS has Kubernetes {version} in {status.lower().replace('_', ' ')}", mend)
    end = found[0].get("endOfStandardSupportDate")
    return ok("kubernetes", _supported(version, end.date() if end else STANDARD_SUPPORT_ENDS[version], today))


def _supported(version: str, end: date, today: date) -> str:
    days = (end - today).days
    soon = f", in {days} days: renew the cluster before" if days <= SOON else ""
    return f"{version}, in standard support until {end.isoformat()}{soon}"
