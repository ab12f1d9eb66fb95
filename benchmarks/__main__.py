"""`make bench`: three tables. They take about three minutes on two cores."""

import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from workloads.programs.folders import write_atomically
from workloads.recipes import RECIPES
from workloads.recipes.sources import ROOT

from . import aws, cluster, platform, tokenizing
from .made_up import rows
from .measure import Cost, cost

REAL_ROWS = 78_577
"""Rows of b-mc2/sql-create-context."""

RECIPE = "llama3-8b-text-to-sql"
Row = tuple[str, str, str, str]


def main() -> None:
    console = Console(width=110)
    console.print(*platforms(), sep="\n\n")
    table = _table("Speed and memory", "what", "time", "peak memory", "aim")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        asked = (planning(), aws.asking(), rehearsing(made), following(made), preparing(made), tokenizing.rows(made))
        for row in itertools.chain.from_iterable(asked):
            table.add_row(*row)
    console.print(table)


def platforms() -> Iterator[Table]:
    """What plans alone tell: no account and no cluster is asked."""
    path = _table(
        "Minutes from nothing, by typical times (stacks/durations.py)",
        *("provisioner", "Trainium container, prepared", "aim", "image built first", "cold step", "warm step"),
    )
    for row in platform.paths():
        path.add_row(*row)
    yield path
    held = _table(
        "Dollars of Trainium that a run holds, and by its guide's own way",
        *("recipe", "guide", "here", "there", "share"),
    )
    for row in platform.trainium_held():
        held.add_row(*row)
    yield held


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left")


def planning() -> Iterator[Row]:
    yield _row("importing what a plan needs", cost(["-c", "import stacks.commands, stacks.plan"]), "")
    for stack in ("dev", "local"):
        yield _row(f"trainyard plan --stack {stack}", cost(["-m", "stacks", "plan", "--stack", stack]), "3 s, 300 MiB")


def rehearsing(folder: Path) -> Iterator[Row]:
    def arguments(recipe: str) -> list[str]:
        return ["-m", "stacks", "rehearse", recipe, "--folder", str(folder / "shared")]

    for recipe in RECIPES:
        yield _row(f"trainyard rehearse {recipe}", cost(arguments(recipe)), "180 s, 3 GiB")
    yield _row(f"{RECIPE} again, nothing to do", cost(arguments(RECIPE)), "5 s")


def following(folder: Path) -> Iterator[Row]:
    """Of the rehearsal, and of a run in a cluster that is known by its kubeconfig."""
    shared = str(folder / "shared")
    yield _row("trainyard follow, of a rehearsal", cost(["-m", "stacks", "follow", "--folder", shared]), "100 MiB")
    with cluster.ended_run(folder) as kubeconfig:
        arguments = ["-m", "stacks", "follow", "--kubeconfig", str(kubeconfig)]
        yield _row("trainyard follow, of a run", cost(arguments), "100 MiB")


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
