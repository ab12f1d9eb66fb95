"""Checks that settings make before anything is asked of AWS."""

from datetime import date

import pytest

from components import limits
from components.versions import DEFAULT_KUBERNETES, KUBERNETES, STANDARD_SUPPORT_ENDS

NOW = date(2026, 11, 21)


def test_every_version_on_offer_is_in_standard_support_when_it_is_offered() -> None:
    assert [limits.kubernetes_fault(one, NOW) for one in KUBERNETES] == [None] * len(KUBERNETES)
    assert DEFAULT_KUBERNETES in KUBERNETES


def test_a_version_out_of_support_is_told_with_the_day_and_what_is_allowed() -> None:
    fault = limits.kubernetes_fault("1.33", NOW)
    assert fault
    assert "2026-07-29" in fault
    assert "Allowed: 1.35, 1.36." in fault


def test_the_last_day_of_support_still_counts_and_the_next_does_not() -> None:
    last = STANDARD_SUPPORT_ENDS["1.35"]
    assert limits.kubernetes_fault("1.35", last) is None
    fault = limits.kubernetes_fault("1.35", date.fromordinal(last.toordinal() + 1))
    assert fault
    assert "Allowed: 1.36." in fault


def test_a_version_that_no_add_ons_are_pinned_for_is_refused_even_if_eks_has_it() -> None:
    assert "no add-ons" in (limits.kubernetes_fault("1.34", NOW) or "")
    assert "no add-ons" in (limits.kubernetes_fault("2.0", NOW) or "")


def test_when_all_versions_are_old_a_newer_trainyard_is_asked_for() -> None:
    assert "take a newer one" in (limits.kubernetes_fault("1.36", date(2030, 1, 1)) or "")


@pytest.mark.parametrize("version", KUBERNETES)
def test_images_and_kube_proxy_belong_to_their_kubernetes(version: str) -> None:
    pinned = KUBERNETES[version]
    assert pinned.version == version
    assert pinned.image_release.startswith(f"{version}.")
    assert pinned.addons["kube-proxy"].startswith(f"v{version}.")
    assert pinned.image_alias == f"al2023@v{pinned.image_release[-8:]}"


def test_every_version_pins_the_same_add_ons() -> None:
    assert len({frozenset(one.addons) for one in KUBERNETES.values()}) == 1


@pytest.mark.parametrize("gib", [1200, 2400, 4800, 24000])
def test_lustre_has_these_capacities(gib: int) -> None:
    assert limits.lustre_capacity_fault(gib) is None


@pytest.mark.parametrize(
    ("gib", "larger"), [(0, 1200), (-5, 1200), (1000, 2400), (3600, 4800), (2401, 4800), (1201, 2400)]
)
def test_other_capacities_are_told_with_the_next_one(gib: int, larger: int) -> None:
    assert f"is {larger}." in (limits.lustre_capacity_fault(gib) or "")


def test_lustre_has_four_throughputs() -> None:
    assert [one for one in range(2000) if limits.lustre_throughput_fault(one) is None] == [125, 250, 500, 1000]
    assert "125, 250, 500, 1000" in (limits.lustre_throughput_fault(200) or "")


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("s3://my-bucket", True),
        ("s3://my-bucket/some/prefix/", True),
        ("my-bucket/prefix", False),
        ("s3://My_Bucket/", False),
        ("https://my-bucket.s3.amazonaws.com/", False),
    ],
)
def test_a_folder_in_s3_is_a_url_of_a_bucket(url: str, good: bool) -> None:
    assert (limits.s3_folder_fault(url) is None) is good


@pytest.mark.parametrize(("name", "good"), [("results-1", True), ("ab", False), ("a..b", False), ("Results", False)])
def test_a_buckets_name_is_one_that_s3_would_take(name: str, good: bool) -> None:
    assert (limits.bucket_fault(name) is None) is good


@pytest.mark.parametrize(
    ("label", "good"), [("trainyard-dev", True), ("x" * 90, True), ("x" * 91, False), ("dev.1", False), ("-dev", False)]
)
def test_a_clusters_label_is_one_that_eks_would_take(label: str, good: bool) -> None:
    assert (limits.cluster_label_fault(label) is None) is good


def test_the_public_endpoint_opens_to_public_addresses_only() -> None:
    assert limits.public_access_fault([]) is None
    assert limits.public_access_fault(["198.51.100.7/32", "0.0.0.0/0"]) is None
    assert "private range" in (limits.public_access_fault(["198.51.100.7/32", "10.0.0.0/8"]) or "")
    assert "not an IPv4" in (limits.public_access_fault(["here"]) or "")


@pytest.mark.parametrize(
    ("days", "good"), [(1, True), (30, True), (3653, True), (0, False), (8, False), (10_000, False)]
)
def test_logs_are_kept_for_as_many_days_as_cloudwatch_can(days: int, good: bool) -> None:
    assert (limits.log_days_fault(days) is None) is good
