"""The step `keep`: a run is kept when every file is at the target and the manifest, written last, lists it."""

import json
from pathlib import Path
from typing import Any

import pytest

from workloads.programs import entry, folders, journal, keep, manifest, store
from workloads.programs.errors import EXIT_USER_ERROR, UserError

PLACE = "runs/dev/some-recipe/0123456789/"


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A training with two checkpoints and a report, and the command line that keeps them."""
    monkeypatch.setenv(store.ADDRESS, str(tmp_path / "target"))
    monkeypatch.setenv(keep.STACK, "dev")
    train, test = tmp_path / "runs" / "train-aaaaaaaaaa", tmp_path / "runs" / "test-bbbbbbbbbb"
    for step in ("step-00000010", "step-00000020"):
        (train / "checkpoints" / step).mkdir(parents=True)
        (train / "checkpoints" / step / "state.pt").write_text(step)
        folders.mark_done(train / "checkpoints" / step)
    (train / "model" / "deep").mkdir(parents=True)
    (train / "model" / "deep" / "weights").write_text("weights")
    (train / "model" / ".passing").write_text("x")
    test.mkdir()
    (test / "report.md").write_text("fine")
    folders.mark_done(train)
    folders.mark_done(test)
    kept = [f"model={train}/model", f"report={test}/report.md", f"checkpoint={train}/checkpoints"]
    steps = [f"train={train}", f"test={test}"]
    out = tmp_path / "runs" / "keep-0123456789"
    words = ["--out", str(out), "--recipe", "some-recipe", "--keep", *kept, "--steps", *steps]
    return [*words, "--facts", json.dumps({"recipe": "some-recipe"})]


def run(arguments: list[str]) -> int:
    return entry.main(keep.Arguments, keep.keep, arguments)


def target(tmp_path: Path) -> dict[str, int]:
    sizes = store.at(str(tmp_path / "target")).sizes()
    return {name.removeprefix(PLACE): size for name, size in sizes.items()}


def test_files_go_below_stack_recipe_and_run_with_the_newest_checkpoint_alone(
    arguments: list[str], tmp_path: Path
) -> None:
    assert run(arguments) == 0
    assert set(target(tmp_path)) == {
        "card/run-card.html",
        "card/run-card.json",
        "checkpoint/step-00000020/_SUCCESS",
        "checkpoint/step-00000020/state.pt",
        "manifest.json",
        "model/deep/weights",
        "report/report.md",
    }


def test_the_manifest_lists_every_file_with_size_and_checksum_and_the_steps_hashes(
    arguments: list[str], tmp_path: Path
) -> None:
    run(arguments)
    made = manifest.parse((tmp_path / "target" / PLACE / manifest.FILE).read_text(), "it")
    assert (made.stack, made.recipe, made.run) == ("dev", "some-recipe", "0123456789")
    assert made.steps == {"train": "aaaaaaaaaa", "test": "bbbbbbbbbb"}
    assert set(made.files) == set(target(tmp_path)) - {manifest.FILE}
    for name, kept in made.files.items():
        assert store.digest(tmp_path / "target" / PLACE / name) == kept.sha256
    assert made.damage(target(tmp_path)) is None


def test_what_is_there_already_is_not_sent_again_and_what_differs_is(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(arguments)
    (tmp_path / "runs" / "keep-0123456789" / folders.MARKER).unlink()
    place = tmp_path / "target" / PLACE
    (place / "model" / "deep" / "weights").write_text("wEights")  # as long as before
    (place / "report" / "report.md").unlink()
    (place / "report" / "earlier.md").write_text("no longer meant")
    sent: list[str] = []
    put = store.Directory.put
    monkeypatch.setattr(store.Directory, "put", lambda self, file, name: (sent.append(name), put(self, file, name))[1])
    assert run(arguments) == 0
    assert {name.removeprefix(PLACE) for name in sent} == {"model/deep/weights", "report/report.md", "manifest.json"}
    assert "report/earlier.md" not in target(tmp_path)


class KilledError(Exception):
    pass


@pytest.mark.parametrize("calls", range(5))
def test_a_run_that_was_killed_while_it_was_sent_is_not_kept_and_goes_on(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    put, done = store.Directory.put, []

    def dies(self: store.Directory, file: Path, name: str) -> str:
        if len(done) == calls:
            raise KilledError
        done.append(name)
        return put(self, file, name)

    with monkeypatch.context() as dying:
        dying.setattr(store.Directory, "put", dies)
        with pytest.raises(KilledError):
            run(arguments)
    assert manifest.FILE not in target(tmp_path)
    assert not folders.is_done(tmp_path / "runs" / "keep-0123456789")
    assert run(arguments) == 0
    assert manifest.FILE in target(tmp_path)


def test_a_target_that_loses_what_was_sent_is_no_success(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put = store.Directory.put

    def loses(self: store.Directory, file: Path, name: str) -> str:
        known = put(self, file, name)
        if name.endswith("weights"):
            self.remove(name)
        return known

    monkeypatch.setattr(store.Directory, "put", loses)
    assert run(arguments) == EXIT_USER_ERROR
    assert "has lost model/deep/weights" in capsys.readouterr().err
    assert manifest.FILE not in target(tmp_path)


def test_a_step_that_is_not_done_is_not_kept(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs" / "test-bbbbbbbbbb" / folders.MARKER).unlink()
    assert run(arguments) == EXIT_USER_ERROR
    assert "holds no _SUCCESS" in capsys.readouterr().err
    assert target(tmp_path) == {}


def test_without_an_address_nothing_is_guessed(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(store.ADDRESS)
    assert run(arguments) == EXIT_USER_ERROR
    assert "TRAINYARD_RESULTS is not set" in capsys.readouterr().err


def test_what_came_of_it_says_where(arguments: list[str], tmp_path: Path) -> None:
    run(arguments)
    assert journal.result(tmp_path / "runs" / "keep-0123456789").endswith(f"kept at {tmp_path}/target/{PLACE}")


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/../../b"])
def test_a_manifest_that_names_files_outside_its_own_place_is_refused(name: str) -> None:
    made = manifest.Manifest("s", "r", "h", "t", {}, {name: manifest.Kept(1, "x")})
    with pytest.raises(UserError, match="outside the run"):
        manifest.parse(made.text(), "m")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "files": []}', "\x00"])
def test_what_is_no_manifest_is_told(text: str) -> None:
    with pytest.raises(UserError, match="no manifest that can be read"):
        manifest.parse(text, "m")


def test_a_manifest_of_a_later_version_is_told() -> None:
    values: dict[str, Any] = {**json.loads(manifest.Manifest("s", "r", "h", "t", {}, {}).text()), "version": 2}
    with pytest.raises(UserError, match="version 2"):
        manifest.parse(json.dumps(values), "m")
