"""Every program's frame: done is done, a kill leaves nothing that passes for finished, mistakes are one line."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from workloads.programs import entry, folders
from workloads.programs.entry import argument
from workloads.programs.errors import EXIT_DISK_FULL, EXIT_USER_ERROR, UserError
from workloads.recipes.sources import ROOT


@dataclass
class Arguments:
    out: str = argument("folder of this step")


def run(body, out: Path, **options) -> int:  # type: ignore[no-untyped-def]
    return entry.main(Arguments, body, ["--out", str(out)], **options)


def test_a_step_that_is_done_is_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = []
    for _ in range(2):
        assert run(lambda _, out: ran.append(out), tmp_path / "step") == 0
    assert len(ran) == 1
    assert "already done" in capsys.readouterr().out


def test_a_step_that_fails_is_not_done(tmp_path: Path) -> None:
    def fails(_: Arguments, out: Path) -> None:
        (out / "half").write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(fails, tmp_path / "step")
    assert not folders.is_done(tmp_path / "step")


def test_what_a_killed_run_left_is_no_part_of_the_next_result(tmp_path: Path) -> None:
    (tmp_path / "half-written").write_text("from a killed run")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "one").write_text("to go on from")
    run(lambda _, out: None, tmp_path, resumable=["checkpoints"])
    assert list(folders.sizes(tmp_path)) == ["checkpoints/one"]


def test_a_damaged_result_is_made_anew(tmp_path: Path) -> None:
    def writes(_: Arguments, out: Path) -> None:
        (out / "result").write_text("whole")

    run(writes, tmp_path)
    (tmp_path / "result").write_text("cut")
    run(writes, tmp_path)
    assert (tmp_path / "result").read_text() == "whole"


def test_a_users_mistake_is_told_in_one_line_and_a_status_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses(_: Arguments, out: Path) -> None:
        raise UserError("rows.jsonl is empty.")

    assert run(refuses, tmp_path) == EXIT_USER_ERROR
    assert capsys.readouterr().err == "error: rows.jsonl is empty.\n"


def test_an_output_folder_that_cannot_be_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run(lambda _, out: None, tmp_path / "file" / "step") == EXIT_USER_ERROR
    assert "Name a folder that you may write" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_told_with_its_remedy_and_leaves_nothing_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=True)
    try:

        def fills(_: Arguments, out: Path) -> None:
            (out / "weights").write_bytes(bytes(2**21))

        assert run(fills, tmp_path / "step") == EXIT_DISK_FULL
        assert "Make room there" in capsys.readouterr().err
        assert not folders.is_done(tmp_path / "step")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_full_disk_is_recognised_behind_torchs_own_words(tmp_path: Path) -> None:
    from workloads.programs.errors import is_disk_full

    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    import torch

    with pytest.raises((RuntimeError, OSError)) as caught, open("/dev/full", "wb") as full:
        torch.save(torch.zeros(2**18), full)
    assert is_disk_full(caught.value, tmp_path)
    assert not is_disk_full(RuntimeError("shapes do not match"), tmp_path)


def test_two_processes_never_work_in_one_folder_at_a_time(tmp_path: Path) -> None:
    """The second waits for the first, finds the step done, and does nothing."""
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, time\n"
        "from programs import entry\n"
        "from tests_arguments import Arguments\n"
        "def body(_, out):\n"
        "    with open(sys.argv[2] + '.ran', 'a') as file: file.write('ran ')\n"
        "    time.sleep(1)\n"
        "sys.exit(entry.main(Arguments, body))\n"
    )
    (tmp_path / "tests_arguments.py").write_text(
        "from dataclasses import dataclass\n"
        "from programs.entry import argument\n"
        "@dataclass\n"
        "class Arguments:\n"
        "    out: str = argument('folder')\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    command = [sys.executable, str(program), "--out", str(tmp_path / "step")]
    both = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert (tmp_path / "step.ran").read_text() == "ran "
