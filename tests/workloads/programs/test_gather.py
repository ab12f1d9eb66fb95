"""mpirun starts once every worker listens, and not before."""

import socket
import subprocess
import sys

import pytest

from tests.conftest import PROJECT
from workloads.programs import gather


def test_the_command_starts_when_the_last_host_listens() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
        words = [f"--port={port}", "--hosts=127.0.0.1,localhost", "--", "echo", "--np", "a b"]
        with subprocess.Popen(
            [sys.executable, "-m", "programs.gather", *words],
            cwd=PROJECT / "workloads",
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            assert process.stdout.readline() == f"waiting for a worker at 127.0.0.1:{port}\n"
            one.listen()
            rest = process.stdout.read()
        assert process.returncode == 0
    assert rest == "all 2 hosts listen\n--np a b\n"


def test_a_command_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        assert gather.main([f"--port={port}", "--hosts=127.0.0.1", "--", "no-such-mpirun"]) == 127
    assert "no-such-mpirun cannot be started" in capsys.readouterr().err
