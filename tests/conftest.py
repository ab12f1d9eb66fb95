"""What many tests stand on: the project's folder, small configs, and a tiny base with prepared data to train from."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from benchmarks.made_up import different_rows
from stacks.config import RawConfig
from tests import tiers
from workloads.programs import entry
from workloads.programs.text_to_sql import base, prepare

LOADED = (hypothesis,)
"""Loaded now: its pytest plugin would do so at the very end, when Pulumi may have left a coroutine half done, and what
that does when it ends in the midst of a compilation makes Python's compiler fail (CPython issue 106905)."""


def pytest_configure() -> None:
    """Tests press Ctrl-C. What a shell starts in the background ignores it, and so would all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In a tier that must run, a skipped test is a failed one."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    name = tiers.tier(item)
    if name in tiers.REQUIRED and tiers.is_skipped(report):
        report.outcome, report.longrepr = "failed", f"TRAINYARD_TIERS asks for {name}: {report.longrepr}"
    report.user_properties.append(("tier", name))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Called where the session is led, also for what other processes ran."""
    if report.when == "call" and report.passed:
        tiers.ran[str(dict(report.user_properties).get("tier"))] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A tier that must run, and of which nothing ran, fails the session."""
    leads = not hasattr(session.config, "workerinput")
    if leads and tiers.not_run() and session.exitstatus == pytest.ExitCode.OK and not session.config.option.collectonly:
        print(f"\nTRAINYARD_TIERS asks for {', '.join(tiers.not_run())}, and none of its tests ran")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


PROJECT = Path(__file__).resolve().parents[1]

DATA = {"dataset_revision": "main", "train_rows": 400, "eval_rows": 24, "shuffle_seed": 23, "block_size": 256}
"""The arguments that the steps base and prepare share in these tests."""


def as_argv(arguments: dict[str, Any]) -> list[str]:
    """Arguments by name as a command line."""
    argv: list[str] = []
    for name, value in arguments.items():
        argv += [f"--{name}", *(map(str, value) if isinstance(value, (list, tuple)) else [str(value)])]
    return argv


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="session")
def rows_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl", different_rows(200))


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory, rows_file: Path) -> Path:
    """The folder of a done step `base`: a tokenizer, and a tiny Llama that was trained for a moment."""
    out = tmp_path_factory.mktemp("base") / "base"
    settings = {"vocabulary": 512, "steps": 20, "micro_batch": 4, "learning_rate": 3e-3, "seed": 1}
    arguments = {"out": out, "dataset": rows_file, **DATA, **settings}
    assert entry.main(base.Arguments, base.make_base, as_argv(arguments)) == 0
    return out


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, rows_file: Path, tiny_base: Path) -> Path:
    """The folder of a done step `prepare`, over the same rows."""
    out = tmp_path_factory.mktemp("prepare") / "prepare"
    arguments = {
        "out": out,
        "dataset": rows_file,
        **DATA,
        "tokenizer": tiny_base / "model",
        "tokenizer_revision": "main",
        "processes": 1,
    }
    assert entry.main(prepare.Arguments, prepare.prepare, as_argv(arguments)) == 0
    return out


@pytest.fixture
def train_arguments(tmp_path: Path, tiny_base: Path, prepared: Path) -> Callable[..., dict[str, Any]]:
    """Arguments of the step `train` that take a few seconds; keywords change them."""

    def make(**changes: Any) -> dict[str, Any]:
        return {
            "out": tmp_path / "train",
            "data": prepared,
            "model": tiny_base / "model",
            "model_revision": "main",
            "backend": "cpu",
            "tensor_parallel_degree": 1,
            "precision": "fp32",
            "lora_rank": 4,
            "lora_alpha": 32,
            "lora_dropout": 0.1,
            "lora_rank_stabilized": True,
            "lora_targets": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
            "max_steps": 20,
            "micro_batch": 2,
            "accumulation": 2,
            "learning_rate": 3e-3,
            "warmup_steps": 2,
            "weight_decay": 0.0,
            "max_grad_norm": 1.0,
            "seed": 7,
            "gradient_checkpointing": False,
            "log_every": 5,
            "eval_every": 10,
            "checkpoint_every": 4,
            "keep_checkpoints": 2,
            "resume_from": "",
            **changes,
        }

    return make


@pytest.fixture
def config() -> Callable[..., RawConfig]:
    """A config of the keys given."""

    def make(*secrets: str, **values: Any) -> RawConfig:
        return RawConfig(values, frozenset(secrets))

    return make
