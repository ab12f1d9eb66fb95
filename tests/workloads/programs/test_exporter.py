"""The newest numbers of what trains now, as Prometheus reads them."""

import http.client
import os
import threading
import time
from pathlib import Path

from workloads.programs.exporter import FRESH_SECONDS, exposition, server
from workloads.programs.journal import Journal


def training(shared: Path, recipe: str = "lora", step: str = "train-0123456789") -> Journal:
    folder = shared / "runs" / recipe / step
    folder.mkdir(parents=True)
    return Journal(folder)


def metrics(shared: Path) -> dict[str, float]:
    text = exposition(shared, time.time())
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_each_metric_has_its_newest_value(tmp_path: Path) -> None:
    journal = training(tmp_path)
    journal.log("eval", step=0, loss=6.5)
    journal.log("step", step=1, steps=9, loss=6.0, learning_rate=0.1, grad_norm=1.5, tokens_per_second=1000.0)
    journal.log("step", step=2, steps=9, loss=5.0, learning_rate=0.2, grad_norm=1.0)
    labels = '{recipe="lora",step="train-0123456789"}'
    assert metrics(tmp_path) == {
        f"trainyard_loss{labels}": 5.0,
        f"trainyard_held_out_loss{labels}": 6.5,
        f"trainyard_tokens_per_second{labels}": 1000.0,
        f"trainyard_learning_rate{labels}": 0.2,
        f"trainyard_grad_norm{labels}": 1.0,
        f"trainyard_step{labels}": 2.0,
        f"trainyard_steps{labels}": 9.0,
    }


def test_a_run_that_fell_silent_is_no_longer_told_of(tmp_path: Path) -> None:
    training(tmp_path).log("eval", step=0, loss=1.0)
    training(tmp_path, step="train-abcdef0123").log("eval", step=0, loss=2.0)
    silent = tmp_path / "runs/lora/train-0123456789/metrics.jsonl"
    then = time.time() - FRESH_SECONDS - 1
    os.utime(silent, (then, then))
    assert list(metrics(tmp_path).values()) == [2.0]


def test_a_journal_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    training(tmp_path).log("eval", step=0, loss=1.0)
    training(tmp_path, step="train-broken")
    (tmp_path / "runs/lora/train-broken/metrics.jsonl").write_text("{no json\n")
    assert list(metrics(tmp_path).values()) == [1.0]


def test_without_runs_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert exposition(tmp_path, time.time()) == ""


def test_several_runs_share_a_metrics_heading(tmp_path: Path) -> None:
    for step in ("train-a", "train-b"):
        training(tmp_path, step=step).log("eval", step=0, loss=1.0)
    text = exposition(tmp_path, time.time())
    assert text.count("# TYPE trainyard_held_out_loss gauge") == 1
    assert text.count("trainyard_held_out_loss{") == 2


def answer(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse()


def test_it_answers_at_metrics_and_nowhere_else(tmp_path: Path) -> None:
    training(tmp_path).log("eval", step=0, loss=1.5)
    running = server(tmp_path, 0)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        found = answer(running.server_port, "/metrics")
        assert found.status == 200
        assert "version=0.0.4" in found.headers["Content-Type"]
        assert b"trainyard_held_out_loss" in found.read()
        assert answer(running.server_port, "/../etc/passwd").status == 404
    finally:
        running.shutdown()
        running.server_close()
