"""Where the output finds no room, every command says so in a line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")


@pytest.mark.parametrize("command", [["plan"], ["plan", "--json"], ["card", "show", "--help"]])
def test_a_full_disk_is_told_without_a_traceback(command: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stacks", *command],
            cwd=PROJECT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["error: the disk is full: the output could not be written"]


def test_a_page_is_written_through_a_link_and_into_a_device(tmp_path: Path) -> None:
    page, link = tmp_path / "page.html", tmp_path / "link.html"
    link.symlink_to(page)
    device = tmp_path / "full"
    device.symlink_to("/dev/full")
    for given, status in ((link, 0), (device, 2)):
        line = [sys.executable, "-m", "stacks", "plan", "--html", str(given)]
        assert subprocess.run(line, cwd=PROJECT, capture_output=True, check=False).returncode == status
    assert link.is_symlink()
    assert page.read_text().startswith("<!doctype html>")
    assert not os.path.isfile("/dev/full")
