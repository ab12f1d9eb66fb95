"""`make bench`: one table. It takes about three minutes on two cores."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from workloads.programs.folders import write_atomically
from workloads.recipes.sources import ROOT

from .made_up import rows
from .measure import Cost, cost

REAL_ROWS = 78_577
"""Rows of b-mc2/sql-create-context."""

RECIPE = "llama3-8b-text-to-sql"
Row = tuple[str, str, str, str]


def main() -> None:
    table = Table("what", "time", "peak memory", "aim", title="Speed and memory", title_justify="left")
    with tempfile.TemporaryDirectory() as folder:
        for row in (*planning(), *rehearsing(Path(folder)), *preparing(Path(folder))):
            table.add_row(*row)
    Console(width=110).print(table)


def planning() -> Iterator[Row]:
    yield _row("importing what a plan needs", cost(["-c", "import stacks.commands, stacks.plan"]), "")
    for stack in ("dev", "local"):
        yield _row(f"trainyard plan --stack {stack}", cost(["-m", "stacks", "plan", "--stack", stack]), "2 s, 300 MiB")


def rehearsing(folder: Path) -> Iterator[Row]:
    arguments = ["-m", "stacks", "rehearse", RECIPE, "--folder", str(folder / "shared")]
    yield _row(f"trainyard rehearse {RECIPE}", cost(arguments), "120 s, 3 GiB")
    yield _row("the same again, nothing to do", cost(arguments), "5 s")


def preparing(folder: Path) -> Iterator[Row]:
    """The step prepare over as many made-up rows as the real data set has, and over a quarter of them."""
    (base,) = (folder / "shared" / "runs" / RECIPE).glob("base-*")
    quarter = _prepare(folder, base, REAL_ROWS // 4, processes=1)
    alone = _prepare(folder, base, REAL_ROWS, processes=1)
    together = _prepare(folder, base, REAL_ROWS, processes=0)
    yield _speed(f"prepare {REAL_ROWS // 4:,} rows, one process", quarter, REAL_ROWS // 4)
    yield _speed(f"prepare {REAL_ROWS:,} rows, one process", alone, REAL_ROWS)
    yield _speed(f"prepare {REAL_ROWS:,} rows, {os.cpu_count()} processes", together, REAL_ROWS)
    flat = f"{alone.memory / quarter.memory:.2f} times the peak memory"
    yield ("four times the rows, one process", f"{alone.seconds / quarter.seconds:.2f} times", flat, "flat memory")


def _prepare(folder: Path, base: Path, count: int, processes: int) -> Cost:
    dataset = folder / f"{count}.jsonl"
    if not dataset.exists():
        write_atomically(dataset, "".join(json.dumps(row) + "\n" for row in rows(count)))
    arguments = {
        "out": folder / f"prepare-{count}-{processes}",
        "dataset": dataset,
        "dataset_revision": "main",
        "tokenizer": base / "model",
        "tokenizer_revision": "main",
        "train_rows": count,
        "eval_rows": 500,
        "shuffle_seed": 23,
        "block_size": 1024,
        "processes": processes,
    }
    argv = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
    return cost(["-m", "programs.text_to_sql.prepare", *argv], PYTHONPATH=str(ROOT))


def _row(what: str, taken: Cost, aim: str) -> Row:
    return what, f"{taken.seconds:.1f} s", f"{taken.memory:,.0f} MiB", aim


def _speed(what: str, taken: Cost, count: int) -> Row:
    return what, f"{taken.seconds:.1f} s, {count / taken.seconds:,.0f} rows/s", f"{taken.memory:,.0f} MiB", ""


if __name__ == "__main__":
    main()
