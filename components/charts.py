"""Helm charts as resources: `rendered` for those without hooks, `released` for those that have some.

A rendered chart is a tree of Pulumi resources: each object's change shows in a preview, each is waited for, and custom
resource definitions are updated with the rest. It drops hooks, without which Volcano and kube-prometheus-stack lack the
certificates of their webhooks: those two are installed by Helm itself, as one resource.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.helm import v3, v4

from .mirror import chart_source
from .versions import Chart

TIMEOUT_SECONDS = 600
"""How long Helm waits for what it installs: images are pulled, and hooks run before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A chart, where to take it from, and what to tell it."""

    chart: Chart
    mirror: str | None
    namespace: pulumi.Input[str]
    values: Mapping[str, Any]


def rendered(name: str, what: Installation, parent: pulumi.Resource) -> v4.Chart:
    source, repository = chart_source(what.chart, what.mirror)
    return v4.Chart(
        name,
        name=what.chart.name,
        chart=source,
        version=what.chart.version,
        repository_opts=v4.RepositoryOptsArgs(repo=repository) if repository else None,
        namespace=what.namespace,
        values=what.values,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def released(name: str, what: Installation, parent: pulumi.Resource) -> v3.Release:
    source, repository = chart_source(what.chart, what.mirror)
    return v3.Release(
        name,
        name=what.chart.name,
        chart=source,
        version=what.chart.version,
        repository_opts=v3.RepositoryOptsArgs(repo=repository) if repository else None,
        namespace=what.namespace,
        values=what.values,
        timeout=TIMEOUT_SECONDS,
        # half an installation, of an update that was broken off, would be in the way of the next
        cleanup_on_fail=True,
        opts=pulumi.ResourceOptions(
            parent=parent, custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m", delete="10m")
        ),
    )
