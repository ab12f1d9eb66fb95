"""A registry of the user's own: one rule says where everything has to be."""

import pytest

from components.mirror import chart_source, mirrored, registry
from components.versions import Chart

MIRROR = "registry.example/yard/"


@pytest.mark.parametrize("reference", ["docker.io/moby/buildkit:v1", "oci://ghcr.io/a/b", "https://a.github.io/charts"])
def test_without_a_mirror_everything_stays_where_it_is(reference: str) -> None:
    assert mirrored(reference, None) == reference


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("public.ecr.aws/neuron/neuron-monitor:1.11.0", "registry.example/yard/neuron/neuron-monitor:1.11.0"),
        ("localhost:5000/a/b@sha256:0", "registry.example/yard/a/b@sha256:0"),
        ("moby/buildkit:v1", "registry.example/yard/moby/buildkit:v1"),
        ("oci://ghcr.io/a/charts/b", "oci://registry.example/yard/a/charts/b"),
    ],
)
def test_the_mirror_takes_the_hosts_place_and_the_path_stays(reference: str, expected: str) -> None:
    assert mirrored(reference, MIRROR) == expected


def test_a_web_repositorys_charts_are_looked_for_in_the_registry() -> None:
    chart = Chart("volcano", "https://volcano-sh.github.io/helm-charts", "1")
    assert chart_source(chart, None) == ("volcano", "https://volcano-sh.github.io/helm-charts")
    assert chart_source(chart, MIRROR) == ("oci://registry.example/yard/helm-charts/volcano", None)


def test_an_oci_chart_needs_no_repository_whether_its_address_ends_in_its_name_or_not() -> None:
    for address in ("oci://public.ecr.aws/karpenter", "oci://public.ecr.aws/karpenter/karpenter-crd"):
        chart = Chart("karpenter-crd", address, "1")
        assert chart_source(chart, None) == ("oci://public.ecr.aws/karpenter/karpenter-crd", None)


def test_a_chart_that_names_one_registry_for_all_gets_the_mirrors_place() -> None:
    assert registry("docker.io", None) == "docker.io"
    assert registry("docker.io", MIRROR) == "registry.example/yard"
