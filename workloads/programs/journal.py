"""What a step says of itself while it runs: one JSON line an event in `metrics.jsonl`, and a line for people.

Whoever follows a run reads the file; it is the same on a cluster and in a rehearsal. Events:

- `{"event": "step", "step": 12, "steps": 250, "loss": 2.1, "learning_rate": …, "grad_norm": …}`, one a training step;
  the last of each interval also has `tokens_per_second`
- `{"event": "eval", "step": 50, "loss": 2.0}`, the held-out loss after that many steps
- `{"event": "progress", "done": 120, "total": 500, "what": "rows"}`, of the other programs
- `{"event": "resume", "step": 20}`, training went on from a checkpoint
- `{"event": "result", "text": "held-out loss 6.9 → 0.7"}`, last: what came of the step, for people
"""

import json
from collections.abc import Callable, Iterator, Mapping
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
            file.write(json.dumps({"event": event, **values}) + "\n")
        if self._mirror:
            self._mirror(event, values)

    def say(self, text: str) -> None:
        if not self._silent:
            print(text, flush=True)

    def progress(self, done: int, total: int, what: str) -> None:
        self.log("progress", done=done, total=total, what=what)
        self.say(f"{done:,} of {total:,} {what}")

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
