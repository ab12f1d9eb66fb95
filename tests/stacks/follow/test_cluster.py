"""A run is followed over HTTPS with a kubeconfig, and what is seen agrees with what the run itself says."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.run import NAME
from stacks.follow.cluster import RUN, Cluster
from stacks.follow.laptop import Laptop, Place
from stacks.follow.picture import Picture, picture
from tests.stacks.follow.server import Front, front, kubeconfig
from tests.workloads.programs.run.server import make_certificate, no
from tests.workloads.programs.run.world import BASELINE, PREPARE, REPORT, SERVICE, TRAIN, World, job, source
from workloads.programs.errors import UserError
from workloads.programs.run.api import UnreachableError


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificates") / "server")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "shared")
    for step in (PREPARE, BASELINE, REPORT):
        world.cluster.put(source(step, job(step)))
    world.cluster.put(source(TRAIN, SERVICE, job(TRAIN, pods=2)))
    return world


@pytest.fixture
def made(world: World, certificate: Path, tmp_path: Path) -> Iterator[Front]:
    with front(world, certificate, tmp_path) as made:
        yield made


@pytest.fixture
def cluster(made: Front) -> Cluster:
    return Cluster(Laptop(Place("trainyard", str(made.kubeconfig))), lambda: made.world.cluster.now)


def stands(found: Picture) -> dict[str, str]:
    return {row.step.name: row.standing.word for row in found.rows}


def test_the_runs_job_is_known_by_the_name_that_it_gets() -> None:
    assert RUN == NAME


def test_without_a_run_there_is_a_sentence_and_no_step(cluster: Cluster, made: Front) -> None:
    found = picture(cluster.look())
    assert "there is no run in namespace trainyard yet" in found.verdict.text
    assert found.rows == ()
    assert found.verdict.ok is None


def test_what_is_seen_is_what_the_run_says_from_its_first_step_to_its_last(
    cluster: Cluster, made: Front, capsys: pytest.CaptureFixture[str]
) -> None:
    world, run = made.world, made.world.run()
    made.begin_run()
    steps = {"prepare": PREPARE, "train": TRAIN, "baseline": BASELINE, "report": REPORT}
    for name, step in steps.items():
        world.turns(run, 2)
        capsys.readouterr()
        world.pods_run(name)
        world.turns(run, 1)
        said = capsys.readouterr().out.strip().splitlines()[-1]
        found = picture(cluster.look())
        words = {row.step.name: str(row.standing) for row in found.rows}
        assert ", ".join(f"{one} {words[one]}" for one in steps) == said
        assert words[name] == "running"
        world.ends(step)
    assert world.turns(run, 5) is not None
    made.end_run(True, "r: all 4 steps are done\nand more")
    found = picture(cluster.look())
    assert set(stands(found).values()) == {"done"}
    assert (found.verdict.ok, found.verdict.text) == (True, "r: all 4 steps are done")


def test_a_failed_run_is_told_in_the_words_that_its_pod_left(cluster: Cluster, made: Front) -> None:
    made.begin_run()
    made.end_run(False, "step train: BackoffLimitExceeded\nits last lines:\nValueError")
    found = picture(cluster.look())
    assert found.verdict.ok is False
    assert found.verdict.text.endswith("ValueError")


def test_steps_done_in_an_earlier_run_are_known_from_the_runs_log_also_once_it_is_gone(
    cluster: Cluster, made: Front
) -> None:
    made.begin_run()
    made.log(f"{RUN}-x", "run", (0, "prepare done, train to come, baseline done, report to come"))
    expected = {"prepare": "done", "train": "to come", "baseline": "done", "report": "to come"}
    assert stands(picture(cluster.look())) == expected
    made.world.cluster.logs.clear()
    assert stands(picture(cluster.look())) == expected


def training(made: Front) -> str:
    """The run is in training; returns the name of the pod that reports."""
    world, run = made.world, made.world.run()
    made.begin_run()
    world.mark_done(PREPARE)
    world.turns(run, 2)
    pods = world.pods_run("train")
    for place, pod in enumerate(reversed(pods)):
        pod["metadata"]["labels"] = {
            **pod["metadata"]["labels"],
            "batch.kubernetes.io/job-completion-index": str(place),
        }
    return pods[-1]["metadata"]["name"]


def test_progress_loss_speed_and_time_left_come_from_the_lines_of_the_first_process(
    cluster: Cluster, made: Front
) -> None:
    pod = training(made)
    lines = [(-20, "loading"), (-10, "step 10 of 100  loss 2.5000  8,000 tokens/s")]
    made.log(pod, "step", *lines, (0, "step 20 of 100  loss 2.4000  8,100 tokens/s"), (0, "saved"))
    found = picture(cluster.look())
    assert found.current == "train"
    assert found.progress is not None
    assert (found.progress.done, found.progress.total) == (20, 100)
    assert (found.progress.loss, found.progress.tokens_per_second) == (2.4, 8100)
    assert found.seconds_left == pytest.approx(80, abs=1)
    assert found.lines[-1] == "saved"


def test_a_rotated_or_missing_log_keeps_the_progress_that_was_known(cluster: Cluster, made: Front) -> None:
    pod = training(made)
    made.log(pod, "step", (-10, "step 10 of 100  loss 2.5  8,000 tokens/s"), (0, "step 20 of 100  loss 2  1 tokens/s"))
    before = picture(cluster.look())
    made.world.cluster.logs.clear()
    after = picture(cluster.look())
    assert after.progress == before.progress
    assert after.lines == ()


def test_pods_that_come_and_go_between_two_looks_are_no_trouble(cluster: Cluster, made: Front) -> None:
    training(made)
    for kind, name in [*made.world.cluster.items]:
        if kind == "Pod" and name.startswith("train"):
            del made.world.cluster.items[kind, name]
    found = picture(cluster.look())
    assert stands(found)["train"] == "waiting"
    assert found.lines == ()


def test_a_look_lists_each_kind_once_and_changes_nothing(cluster: Cluster, made: Front) -> None:
    training(made)
    written = list(made.world.cluster.writes)
    for looks in (1, 2, 3):
        cluster.look()
        assert set(made.lists.values()) == {looks}
    assert set(made.lists) == {"Job", "RayJob", "MPIJob", "Pod"}
    assert made.world.cluster.writes == written
    assert {request.method for request in made.server.requests} == {"GET"}


# --- what goes wrong


def test_credentials_that_are_renewed_meanwhile_are_used(cluster: Cluster, made: Front, certificate: Path) -> None:
    made.begin_run()
    cluster.look()
    made.token = "newer"
    made.kubeconfig.write_text(json.dumps(kubeconfig(made.server.port, certificate, "newer")))
    assert picture(cluster.look()).recipe == "r"


def test_expired_credentials_are_told_with_what_to_do(cluster: Cluster, made: Front) -> None:
    made.token = "another"
    with pytest.raises(UserError, match=r"does not accept the kubeconfig's credentials.*aws sso login"):
        cluster.look()


def test_a_right_that_is_missing_is_told_in_the_clusters_words(cluster: Cluster, made: Front) -> None:
    made.trouble = lambda _: no(403, 'pods is forbidden: User "me" cannot list resource "pods"')
    with pytest.raises(UserError, match="cannot list resource"):
        cluster.look()


def test_a_server_in_trouble_is_worth_another_try(cluster: Cluster, made: Front) -> None:
    made.trouble = lambda _: no(503, "starting")
    with pytest.raises(UnreachableError, match="starting"):
        cluster.look()


def test_a_server_that_nobody_answers_at_is_told_so(made: Front, certificate: Path) -> None:
    made.kubeconfig.write_text(json.dumps(kubeconfig(1, certificate, "good")))
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
        Cluster(Laptop(Place("trainyard", str(made.kubeconfig)))).look()


@pytest.mark.parametrize(
    ("content", "context", "said"),
    [(None, None, "kubeconfig cannot be used"), ("{}", None, "kubeconfig cannot be used"), ("good", "there", "there")],
)
def test_a_kubeconfig_that_does_not_serve_is_told_in_words(
    content: str | None, context: str | None, said: str, made: Front, tmp_path: Path
) -> None:
    file = made.kubeconfig if content == "good" else tmp_path / "other"
    if content and content != "good":
        file.write_text(content)
    with pytest.raises(UserError, match=said):
        Laptop(Place("trainyard", str(file), context))


def test_a_credential_plugin_that_fails_is_quoted(made: Front, certificate: Path) -> None:
    raw = kubeconfig(made.server.port, certificate, "good")
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "interactiveMode": "Never"}
    raw["users"] = [{"name": "me", "user": {"exec": plugin}}]
    made.kubeconfig.write_text(json.dumps(raw))
    with pytest.raises(UserError, match="no-such-plugin"):
        Cluster(Laptop(Place("trainyard", str(made.kubeconfig)))).look()
