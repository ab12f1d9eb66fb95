"""torchrun as a pod has it: real processes and real meetings on this machine's loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from workloads.programs import distributed
from workloads.recipes.sources import ROOT

WORKER = """
import json, os, signal, sys, time
from datetime import timedelta
from pathlib import Path

told, what, *rest = sys.argv[1:]
rank = os.environ["RANK"]


def tell(content):
    path = Path(told, f"{rank}-{os.getpid()}")
    path.with_suffix(".partial").write_text(json.dumps(content))
    path.with_suffix(".partial").rename(path.with_suffix(".json"))


def meet():
    import torch.distributed

    torch.distributed.init_process_group("gloo", timeout=timedelta(minutes=2))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if what == "tell":
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE")
    tell([*(int(os.environ[name]) for name in names), rest])
elif what == "end":  # the process `who` ends so; the others go on until they are stopped
    who, how = rest
    if rank != who:
        time.sleep(600)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(int(how))
elif what == "meet":
    meet()
    tell(int(os.environ["WORLD_SIZE"]))
elif what == "meet and stay":  # in its first round; in another it ends well
    meet()
    first = not list(Path(told).glob(f"{rank}-*.json"))
    tell(first)
    if first:
        time.sleep(600)
"""

PATIENCE = 180
"""Seconds: ten times what it takes, for a machine that is busy."""

Agent = subprocess.Popen[str]
Start = Callable[..., Agent]


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """The folder in which each worker leaves what it has to tell."""
    (tmp_path / "told").mkdir()
    return tmp_path / "told"


@pytest.fixture
def start(tmp_path: Path, told: Path) -> Iterator[Start]:
    """Starts `programs.distributed` with workers that do `what`; whatever is left at the end is killed."""
    (tmp_path / "worker.py").write_text(WORKER)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]), "OMP_NUM_THREADS": "1"}
    agents: list[Agent] = []

    def make(what: str, *rest: str, **options: Any) -> Agent:
        named = [f"--{name}={value}" for name, value in {"processes": 1, **options}.items()]
        command = [sys.executable, "-u", "-m", "programs.distributed", *named, "worker", str(told), what, *rest]
        agents.append(subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True))
        return agents[-1]

    yield make
    for agent in agents:
        lose(agent)
        assert agent.stdout
        agent.stdout.close()


def lose(agent: Agent) -> None:
    """What the loss of a node does: the agent and its workers are gone at a stroke."""
    if agent.poll() is None:
        agent.send_signal(signal.SIGSTOP)  # it must not start another meanwhile
        for process in (*children(agent.pid), agent.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        agent.wait()


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "ppid=,pid="], capture_output=True, text=True, check=True).stdout
    pairs = (map(int, line.split()) for line in listed.splitlines())
    return [child for parent, child in pairs if parent == pid]


def stories(told: Path) -> list[Any]:
    return [json.loads(path.read_text()) for path in sorted(told.glob("*.json"))]


def eventually(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


def test_every_process_knows_its_place_and_gets_the_programs_own_arguments(start: Start, told: Path) -> None:
    """Also those that look like torchrun's or this program's, and an empty one."""
    rest = ["--name", "its own", "--nodes=7", "", "--max-restarts", "--"]
    assert start("tell", *rest, processes=2).wait(PATIENCE) == 0
    assert stories(told) == [[0, 0, 2, rest], [1, 1, 2, rest]]


@pytest.mark.parametrize(("how", "status"), [("2", 2), ("3", 3), ("1", 1), ("killed", 137)])
def test_the_exit_status_is_that_of_the_process_that_failed_first(start: Start, how: str, status: int) -> None:
    """The others, stopped because of it, end with another."""
    assert start("end", "1", how, processes=2).wait(PATIENCE) == status


def test_nodes_meet_at_the_first_also_when_it_comes_last(start: Start, told: Path) -> None:
    together = {"nodes": 2, "meet": f"localhost:{free_port()}", "name": "together"}
    second = start("meet", node=1, **together)
    assert second.stdout
    assert second.stdout.readline() == f"waiting for the first node at {together['meet']}\n"
    first = start("meet", node=0, **together)
    assert [one.wait(PATIENCE) for one in (first, second)] == [0, 0]
    assert stories(told) == [2, 2]


def test_a_node_that_is_lost_and_comes_back_is_met_in_a_new_round(start: Start, told: Path) -> None:
    """Workers meet through torch's own store: nothing of the round before may be left in it.

    15 of its seconds are torch's own, until it takes a silent node for lost.
    """
    together = {"nodes": 2, "meet": f"localhost:{free_port()}", "name": "together"}
    stays, goes = (start("meet and stay", node=node, **together) for node in (0, 1))
    eventually(lambda: len(stories(told)) == 2)
    lose(goes)
    back = start("meet and stay", node=1, **together)
    assert [one.wait(PATIENCE) for one in (stays, back)] == [0, 0]
    assert sorted(stories(told)) == [False, False, True, True]


def test_a_name_that_is_not_known_yet_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As that of a pod which has no address yet."""
    with socket.create_server(("localhost", 0)) as server:
        answers: list[Exception] = [socket.gaierror("unknown"), ConnectionRefusedError(), TimeoutError()]
        connect = socket.create_connection

        def refuse_at_first(*arguments: Any, **options: Any) -> socket.socket:
            if answers:
                raise answers.pop(0)
            return connect(*arguments, **options)

        monkeypatch.setattr(socket, "create_connection", refuse_at_first)
        distributed.wait_for("localhost", server.getsockname()[1], interval=0.01)
    assert not answers
    assert capsys.readouterr().out.count("waiting for the first node") == 1
