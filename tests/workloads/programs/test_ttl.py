"""What is stopped when time is over, and what is not."""

from collections.abc import Iterator
from typing import Any

import pytest

from workloads.programs import ttl
from workloads.programs.run.api import RefusedError

NOW = ttl.at("2026-11-21T12:00:00Z")
DAY = 24 * 3600.0


def item(name: str, began: str, kind: str = "Job", **status: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "creationTimestamp": began}, "status": status}


OLD, YOUNG = "2026-11-20T11:00:00Z", "2026-11-21T11:00:00Z"
FAILED = [{"type": "Failed", "status": "True"}]


class Cluster(ttl.Keeper):
    """A keeper of a cluster that is a list."""

    def __init__(self, *items: dict[str, Any]):
        self.namespace = "place"
        self.items, self.done = list(items), []

    def get(self, kind: str, name: str) -> dict[str, Any]:
        for one in self.items:
            if (one["kind"], one["metadata"]["name"]) == (kind, name):
                return one
        raise RefusedError(404, "not found")

    def steps(self) -> Iterator[dict[str, Any]]:
        yield from (one for one in self.items if one["metadata"]["name"] not in ("run", "bench-0"))

    def delete(self, kind: str, name: str) -> None:
        self.done.append(("delete", kind, name))

    def end(self, job: str) -> None:
        self.done.append(("end", job))

    def put_to_sleep(self, stateful_set: str) -> None:
        self.done.append(("sleep", stateful_set))


def stopped(*items: dict[str, Any]) -> list[tuple[str, ...]]:
    cluster = Cluster(*items)
    ttl.stop(cluster, "run", DAY, NOW)
    return cluster.done


def test_a_run_in_its_time_is_left_alone_with_all_its_steps() -> None:
    assert stopped(item("run", YOUNG), item("train-1", OLD), item("test-1", YOUNG)) == []


def test_the_run_ends_before_its_steps_which_it_would_make_anew() -> None:
    assert stopped(item("train-1", YOUNG), item("ray-1", YOUNG, "RayJob"), item("run", OLD)) == [
        ("end", "run"),
        ("delete", "Job", "train-1"),
        ("delete", "RayJob", "ray-1"),
    ]


def test_steps_that_an_earlier_look_could_not_delete_are_deleted_by_the_next() -> None:
    assert stopped(item("run", OLD, conditions=FAILED), item("train-1", YOUNG)) == [("delete", "Job", "train-1")]


def test_a_run_that_has_ended_is_not_ended_again() -> None:
    assert stopped(item("run", OLD, conditions=FAILED)) == []


def test_where_there_is_no_run_each_step_has_its_own_time() -> None:
    assert stopped(item("train-1", OLD), item("test-1", YOUNG)) == [("delete", "Job", "train-1")]


def test_a_workbench_sleeps_when_its_pod_is_old_and_one_that_is_away_is_no_error() -> None:
    for began, expected in ((OLD, [("sleep", "bench")]), (YOUNG, [])):
        cluster = Cluster(item("bench-0", began, "Pod"))
        ttl.rest(cluster, "bench", DAY, NOW)
        assert cluster.done == expected
    cluster = Cluster()
    ttl.rest(cluster, "bench", DAY, NOW)
    assert cluster.done == []


def test_a_refusal_other_than_absence_is_not_taken_for_absence() -> None:
    class Forbidding(Cluster):
        def get(self, kind: str, name: str) -> dict[str, Any]:
            raise RefusedError(403, "forbidden")

    with pytest.raises(RefusedError):
        ttl.stop(Forbidding(), "run", DAY, NOW)
