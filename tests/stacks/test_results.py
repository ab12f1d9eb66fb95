"""What a results target holds, as `trainyard results` tells it: from the target alone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stacks import guarding
from stacks.commands import app
from tests.buckets import bucket
from workloads.programs import manifest, store
from workloads.programs.manifest import Kept, Manifest

Run = Callable[..., "tuple[int, str]"]


def keep(folder: Path, run: str = "0123456789", stack: str = "dev", time: str = "2026-11-21T10:00:00+00:00") -> Path:
    """Puts a run of two files at the target `folder`, as the step `keep` would; its place there."""
    place = folder / manifest.place(stack, "some-recipe", run)
    files = {"model/weights": "weights", "report/report.md": "fine"}
    kept: dict[str, Kept] = {}
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
        kept[name] = Kept(len(text), store.digest(place / name))
    (place / manifest.FILE).write_text(Manifest(stack, "some-recipe", run, time, {"train": "aaaaaaaaaa"}, kept).text())
    return place


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


@pytest.fixture(params=["folder", "bucket"])
def results(request: pytest.FixtureRequest, target: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command with a target given, which is a folder or a bucket: exit status, and all it said."""
    target.mkdir()
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with bucket("results", target) as environment:
        address = str(target) if request.param == "folder" else "s3://results"

        def run(*words: str) -> tuple[int, str]:
            told = CliRunner(env={**environment, "COLUMNS": "200"}).invoke(
                app, ["results", *words, "--target", address]
            )
            return told.exit_code, told.output

        yield run


def test_a_list_has_every_run_the_newest_first_and_says_what_is_damaged(results: Run, target: Path) -> None:
    keep(target, "aaaaaaaaaa", time="2026-11-20T10:00:00+00:00")
    keep(target, "bbbbbbbbbb", stack="other")
    (keep(target, "cccccccccc", time="2026-11-19T10:00:00+00:00") / "model" / "weights").write_text("cut")
    (keep(target, "dddddddddd") / manifest.FILE).unlink()
    (target / "neuron-cache" / "a" / "b" / "c").mkdir(parents=True)
    (target / "neuron-cache" / "a" / "b" / "c" / "graph").write_text("no run")
    status, said = results("list", "--json")
    found = json.loads(said)
    assert status == 0
    assert [one["run"][0] for one in found] == ["b", "a", "c", "d"]
    assert [one["damage"] for one in found[:2]] == [None, None]
    assert found[2]["damage"] == "has model/weights with 3 bytes instead of 7"
    assert "was not sent to its end" in found[3]["damage"]
    assert found[0]["bytes"] == 11
    said = results("list")[1]
    assert "2026-11-20 10:00:00" in said
    assert "whole" in said


def test_an_empty_target_says_so(results: Run) -> None:
    assert results("list")[1].startswith("No runs at")
    assert results("verify") == (0, "")


def test_a_run_is_fetched_by_the_beginning_of_its_hash_each_file_checked(
    results: Run, target: Path, tmp_path: Path
) -> None:
    keep(target)
    status, said = results("fetch", "0123", "--to", str(tmp_path / "here"))
    assert (status, (tmp_path / "here" / "model" / "weights").read_text()) == (0, "weights")
    assert "whole" in said
    assert manifest.parse((tmp_path / "here" / manifest.FILE).read_text(), "it").run == "0123456789"


def test_what_was_fetched_before_stays_and_what_is_cut_short_comes_anew(
    results: Run, target: Path, tmp_path: Path
) -> None:
    keep(target)
    here = tmp_path / "here"
    results("fetch", "0", "--to", str(here))
    first = (here / "model" / "weights").stat().st_mtime_ns
    (here / "report" / "report.md").write_text("f")
    assert results("fetch", "0", "--to", str(here))[0] == 0
    assert (here / "report" / "report.md").read_text() == "fine"
    assert (here / "model" / "weights").stat().st_mtime_ns == first


def test_a_file_whose_bytes_changed_is_not_fetched_and_verify_finds_it(
    results: Run, target: Path, tmp_path: Path
) -> None:
    (keep(target) / "model" / "weights").write_text("wEights")
    assert results("list", "--json")[0] == 0  # a listing sees sizes alone
    status, said = results("verify")
    assert status == 1
    assert "has a model/weights whose SHA-256 is not what was stored" in said
    status, said = results("fetch", "0", "--to", str(tmp_path / "here"))
    assert status == 2
    assert "model/weights: its SHA-256 is not the one in the manifest" in said
    assert not (tmp_path / "here" / "model" / "weights").exists()


def test_verify_tells_of_lost_files_and_of_whole_runs(results: Run, target: Path) -> None:
    keep(target, "aaaaaaaaaa")
    (keep(target, "bbbbbbbbbb") / "report" / "report.md").unlink()
    assert results("verify", "aaaa") == (0, "dev/some-recipe/aaaaaaaaaa: whole\n")
    status, said = results("verify")
    assert status == 1
    assert "dev/some-recipe/bbbbbbbbbb: has lost report/report.md" in said


def test_a_run_must_be_named_so_that_it_is_one(results: Run, target: Path) -> None:
    keep(target, "0123456789")
    keep(target, "0123456789", stack="other")
    status, said = results("verify", "0123")
    assert status == 2
    assert "fits several runs" in said
    assert results("verify", "other/some-recipe/0123456789")[0] == 0
    status, said = results("verify", "ffff")
    assert status == 2
    assert "there is no run 'ffff'. Runs there: " in said


def test_a_run_without_a_manifest_is_not_fetched(results: Run, target: Path, tmp_path: Path) -> None:
    (keep(target) / manifest.FILE).unlink()
    status, said = results("fetch", "0", "--to", str(tmp_path / "here"))
    assert status == 2
    assert "nothing to check its files against" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say where to look"),
        (["--stack", "dev", "--target", "x"], "say where to look"),
        (["--target", "/nowhere/at/all"], "there is no folder /nowhere/at/all"),
        (["--stack", "nosuch"], "Stacks here:"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(words: list[str], said: str) -> None:
    told = CliRunner().invoke(app, ["results", "list", *words])
    assert told.exit_code == 2
    assert said in told.output


# the guard of a destroy asks the same target


def asked(target: str, run: str = "0123456789", *more: str, **environment: str) -> int:
    return guarding.main([target, "dev", "some-recipe", run, *more], environment)


def test_a_destroy_may_go_on_when_the_newest_run_is_whole_at_the_target(target: Path) -> None:
    keep(target)
    assert asked(str(target)) == 0


def test_a_destroy_stops_where_the_run_is_not_there_or_not_whole(
    target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (keep(target) / "model" / "weights").write_text("cut")
    assert asked(str(target)) == 1
    assert "has model/weights with 3 bytes" in capsys.readouterr().err
    assert asked(str(target), "ffffffffff") == 1
    assert "has no manifest.json" in capsys.readouterr().err
    assert asked(str(target), "ffffffffff", **{guarding.OVERRIDE: "1"}) == 0


def test_a_destroy_stops_where_the_manifest_is_of_another_run_or_cannot_be_read(
    target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = keep(target, "aaaaaaaaaa") / manifest.FILE
    mine = keep(target) / manifest.FILE
    mine.write_text(other.read_text())
    assert asked(str(target)) == 1
    assert "has the manifest.json of another run, runs/dev/some-recipe/aaaaaaaaaa/" in capsys.readouterr().err
    mine.write_text("cut sho")
    assert asked(str(target)) == 1
    assert "is no manifest that can be read" in capsys.readouterr().err


def test_a_target_that_goes_as_well_stops_a_destroy_whatever_it_holds(
    target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(target)
    assert asked(str(target), "0123456789", "--goes") == 1
    assert "goes with this stack" in capsys.readouterr().err


# the bucket of a stack that is up


def test_a_stacks_own_bucket_is_asked_of_the_pulumi_cli_whose_words_are_told_where_it_knows_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi = tmp_path / "pulumi"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    pulumi.write_text(
        "#!/bin/sh\n"
        'test "$*" = "stack output bucket --stack dev --non-interactive" && echo "error: no stack named dev" >&2\n'
        "exit 255"
    )
    pulumi.chmod(0o755)
    told = CliRunner().invoke(app, ["results", "list", "--stack", "dev"])
    assert told.exit_code == 2
    assert "the bucket of dev cannot be asked for: no stack named dev. Once a stack is gone, name it" in told.output
