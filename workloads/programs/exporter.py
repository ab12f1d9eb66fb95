"""`python -m programs.exporter`: the newest numbers of every training that is under way, as Prometheus reads them.

It looks into the runs' folders each time it is asked, and keeps nothing. A run that has written nothing for a while is
no longer told of: Prometheus would draw a straight line for as long as its folder is there.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from . import journal

FRESH_SECONDS = 1800.0
"""How long after its last line a run is told of; longer than the longest step or checkpoint takes."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, and where in the journal it stands: a value of the last event of a kind that has it."""

    name: str
    event: str
    value: str
    meaning: str


METRICS = (
    Metric("trainyard_loss", "step", "loss", "Loss of the last training step."),
    Metric("trainyard_held_out_loss", "eval", "loss", "Held-out loss, when it was last taken."),
    Metric("trainyard_tokens_per_second", "step", "tokens_per_second", "Tokens a second, padding counted."),
    Metric("trainyard_learning_rate", "step", "learning_rate", "Learning rate of the last training step."),
    Metric("trainyard_grad_norm", "step", "grad_norm", "Norm of the gradients in the last training step."),
    Metric("trainyard_step", "step", "step", "The last training step."),
    Metric("trainyard_steps", "step", "steps", "How many training steps there are to be."),
)

Events = Sequence[Mapping[str, Any]]


def exposition(shared: Path, now: float) -> str:
    """All metrics of the runs below `shared`, in Prometheus's text format."""
    runs = [(_labels(folder), _events(folder)) for folder in fresh(shared, now)]
    lines = (line for metric in METRICS for line in _lines(metric, runs))
    return "".join(f"{line}\n" for line in lines)


def fresh(shared: Path, now: float) -> Iterator[Path]:
    """Folders of steps that have written to their journal of late."""
    for path in sorted(shared.glob(f"runs/*/*/{journal.FILE}")):
        with suppress(FileNotFoundError):  # a step that begins anew clears its folder
            if now - path.stat().st_mtime < FRESH_SECONDS:
                yield path.parent


def _events(folder: Path) -> Events:
    """What the journal holds; nothing where it cannot be read: the numbers of the others are worth having."""
    try:
        return list(journal.read(folder))
    except (OSError, ValueError):
        return []


def _labels(folder: Path) -> str:
    return f'recipe="{folder.parent.name}",step="{folder.name}"'


def _lines(metric: Metric, runs: Iterable[tuple[str, Events]]) -> Iterator[str]:
    found = [(labels, value) for labels, events in runs if (value := _last(metric, events)) is not None]
    if found:
        yield f"# HELP {metric.name} {metric.meaning}"
        yield f"# TYPE {metric.name} gauge"
    for labels, value in found:
        yield f"{metric.name}{{{labels}}} {float(value)!r}"


def _last(metric: Metric, events: Events) -> float | None:
    """The metric's newest value; None where the journal has none."""
    of_kind = (one for one in reversed(events) if one["event"] == metric.event)
    return next((one[metric.value] for one in of_kind if metric.value in one), None)


def server(shared: Path, port: int, clock: Callable[[], float] = time.time) -> ThreadingHTTPServer:
    """Answers GET /metrics; whatever else is asked for is not there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/metrics":
                self.send_error(404)
                return
            content = exposition(shared, clock()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Being asked every few seconds is no news."""

    return ThreadingHTTPServer(("", port), Handler)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Offers the newest numbers of every training as Prometheus metrics.")
    parser.add_argument("--shared", type=Path, required=True, help="the shared volume's folder")
    parser.add_argument("--port", type=int, required=True, help="where to listen")
    arguments = parser.parse_args(argv)
    server(arguments.shared, arguments.port).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
