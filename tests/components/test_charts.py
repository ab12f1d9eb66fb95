"""Charts: rendered as resources, or installed by Helm where they have hooks."""

import pulumi

from components.charts import Installation, released, rendered
from components.versions import Chart
from stacks.recorder import Recording
from tests.components.recorded import only, recorded

WEB = Chart("volcano", "https://volcano-sh.github.io/helm-charts", "1.15.1")
OCI = Chart("prometheus", "oci://ghcr.io/charts/prometheus", "88.5.3")


def built(chart: Chart, mirror: str | None = None) -> Recording:
    what = Installation(chart=chart, mirror=mirror, namespace="place", values={"a": {"b": 1}})

    def program() -> None:
        parent = pulumi.ComponentResource("trainyard:components:Parent", "parent")
        rendered("tree", what, parent)
        released("release", what, parent)

    return recorded(program)


def test_both_ways_take_the_pinned_version_under_the_charts_own_name() -> None:
    recording = built(WEB)
    for kind in ("Chart", "Release"):
        made = only(recording, kind).inputs
        assert (made["name"], made["version"], made["namespace"]) == ("volcano", "1.15.1", "place")
        assert made["values"] == {"a": {"b": 1}}
        assert (made["chart"], made["repositoryOpts"]["repo"]) == (WEB.name, WEB.repository)


def test_an_oci_address_is_the_chart_itself() -> None:
    for kind in ("Chart", "Release"):
        made = only(built(OCI), kind).inputs
        assert made["chart"] == OCI.repository
        assert "repositoryOpts" not in made


def test_a_mirror_leaves_no_repository_of_the_web() -> None:
    for chart in (WEB, OCI):
        for kind in ("Chart", "Release"):
            made = only(built(chart, "registry.example"), kind).inputs
            assert made["chart"].startswith("oci://registry.example/")
            assert "repositoryOpts" not in made


def test_a_release_is_a_child_and_gets_more_time_than_helm_takes() -> None:
    release = only(built(WEB), "Release")
    assert release.parent.endswith("::parent")
    assert release.inputs["timeout"] == 600
    assert release.request.customTimeouts.create == "15m"
