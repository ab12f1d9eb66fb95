"""What a step says of itself while it runs: one JSON line an event in `metrics.jsonl`, and a line for people.

Whoever follows a run reads the file; it is the same on a cluster and in a rehearsal. Events:

- `{"event": "step", "step": 12, "steps": 250, "loss": 2.1, "learning_rate": …, "grad_norm": …}`, one a training step;
  the last of each interval also has `tokens_per_second`
- `{"event": "eval", "step": 50, "loss": 2.0}`, the held-out loss after that many steps
- `{"event": "progress", "done": 120, "total": 500, "what": "rows"}`, of the other programs
- `{"event": "resume", "step": 20}`, training went on from a checkpoint
- `{"event": "result", "text": "held-out loss 6.9 → 0.7"}`, last: what came of the step, for people

Each also has `at`, when it was written, in seconds since 1970. Who follows from afar sees the lines for people alone:
those that tell of progress are written by `Journal.trained` and `Journal.progress`, and read again by `heard`.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .folders import write_atomically

FILE = "metrics.jsonl"


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The events in `folder` so far; a last line that is not yet whole is passed over."""
    try:
        lines = (folder / FILE).read_text().split("\n")
    except FileNotFoundError:
        return
    for line in lines[:-1]:
        yield json.loads(line)


def result(folder: Path) -> str:
    """What the step in `folder` last said came of it; empty while it has not."""
    return next((event["text"] for event in reversed(list(read(folder))) if event["event"] == "result"), "")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is: `done` of `total`, counted in `what` ("steps" in training)."""

    done: int
    total: int
    what: str
    loss: float | None = None
    tokens_per_second: float | None = None


STEPS = "steps"
_TRAINED = re.compile(r"step ([\d,]+) of ([\d,]+)  loss (\S+)  ([\d,]+) tokens/s")
_PROGRESS = re.compile(r"([\d,]+) of ([\d,]+) (\S.*)")


def heard(line: str) -> Progress | None:
    """The progress that a line of a step's log tells of; None where it tells of none."""
    found = _TRAINED.fullmatch(line)
    if found:
        done, total, speed = (_number(found[place]) for place in (1, 2, 4))
        return Progress(done, total, STEPS, _loss(found[3]), speed)
    found = _PROGRESS.fullmatch(line)
    return Progress(_number(found[1]), _number(found[2]), found[3]) if found else None


def told(event: Mapping[str, Any]) -> Progress | None:
    """The progress that an event tells of; None where it tells of none."""
    if event["event"] == "step":
        return Progress(event["step"], event["steps"], STEPS, event["loss"], event.get("tokens_per_second"))
    if event["event"] == "progress":
        return Progress(event["done"], event["total"], event["what"])
    return None


def _number(text: str) -> int:
    return int(text.replace(",", "") or 0)


def _loss(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


class Journal:
    """Writes a step's events, and hands each to `mirror` as well.

    `silent` is for the processes of a torchrun that are not the first.
    """

    def __init__(
        self, folder: Path, *, silent: bool = False, mirror: Callable[[str, Mapping[str, Any]], None] | None = None
    ):
        self._path = folder / FILE
        self._silent = silent
        self._mirror = mirror

    def log(self, event: str, **values: Any) -> None:
        if self._silent:
            return
        with self._path.open("a") as file:
            file.write(json.dumps({"event": event, **values, "at": round(time.time(), 3)}) + "\n")
        if self._mirror:
            self._mirror(event, values)

    def say(self, text: str) -> None:
        if not self._silent:
            print(text, flush=True)

    def progress(self, done: int, total: int, what: str) -> None:
        self.log("progress", done=done, total=total, what=what)
        self.say(f"{done:,} of {total:,} {what}")

    def trained(self, step: int, steps: int, loss: float, tokens_per_second: float) -> None:
        """Says how far training is; the events behind it are logged step by step."""
        self.say(f"step {step:,} of {steps:,}  loss {loss:.4f}  {tokens_per_second:,.0f} tokens/s")

    def result(self, text: str) -> None:
        self.log("result", text=text)
        self.say(text)

    def rewind(self, step: int) -> None:
        """Forgets what was logged after `step`, and what came of it all, so that training resumed from there writes one
        unbroken curve."""
        if self._silent or not self._path.exists():
            return
        events = (event for event in read(self._path.parent) if event["event"] != "result")
        kept = [event for event in events if event.get("step", 0) <= step]
        write_atomically(self._path, "".join(json.dumps(event) + "\n" for event in kept))
