"""The repository's TensorBoard events, read along into the step's journal: step, loss, and how fast.

Its log has the loss in three digits; the events have all of them. They are files that grow, in a folder from which a
resumed run moves those of the runs before it.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..journal import Journal

LOSS = "reduced_train_loss"
NAMES = {LOSS: "loss", "lr": "learning_rate", "gradient_norm": "grad_norm"}
"""The repository's names, in megatron_gpt_model.py, and the journal's."""
THROUGHPUT = "throughput"
"""Sequences a second, over ten steps."""

LOOK_EVERY_SECONDS = 5.0

Scalar = tuple[int, str, float]


class Events:
    """The scalars of event files that were not there when this was made, each once."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._earlier = {path.name for path in self._files()}
        self._loaders: dict[str, Any] = {}

    def read(self) -> Iterator[Scalar]:
        """Step, name and value of what has been added since the last call."""
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        from tensorboard.util.tensor_util import make_ndarray

        for path in self._files():
            if path.name not in self._earlier and path.name not in self._loaders:
                self._loaders[path.name] = EventFileLoader(str(path))
        for loader in self._loaders.values():
            for event in loader.Load():
                for value in event.summary.value:
                    if value.metadata.plugin_data.plugin_name == "scalars":
                        yield event.step, value.tag, float(make_ndarray(value.tensor))

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("events.out.tfevents.*"))


class Progress:
    """Writes one journal event a training step, once all its numbers are there."""

    def __init__(self, journal: Journal, steps: int, sequence_length: int):
        self._journal, self._steps, self._length = journal, steps, sequence_length
        self._open: dict[int, dict[str, float]] = {}
        self.last_loss: float | None = None

    def add(self, scalar: Scalar) -> None:
        """Takes one scalar. The repository counts a step before it is done, from 0."""
        step, name, value = scalar
        self._open.setdefault(step + 1, {})[name] = value
        for earlier in sorted(self._open):
            if earlier <= step:
                self._write(earlier)

    def tell(self, text: str) -> None:
        self._journal.say(text)

    def finish(self) -> None:
        for step in sorted(self._open):
            self._write(step)

    def _write(self, step: int) -> None:
        found = self._open.pop(step)
        if LOSS not in found:
            return
        values = {ours: found[theirs] for theirs, ours in NAMES.items() if theirs in found}
        if THROUGHPUT in found:
            values["tokens_per_second"] = found[THROUGHPUT] * self._length
        self.last_loss = values["loss"]
        self._journal.log("step", step=step, steps=self._steps, **values)
        self._journal.say(f"step {step:,} of {self._steps:,}: loss {values['loss']:.4f}")


class Reader:
    """Reads along from `begin` until `close`, and then once more.

    It begins with the first line that the command says: a process is better not started beside threads.
    """

    def __init__(self, events: Events, progress: Progress):
        self._events, self._progress = events, progress
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._read()
        self._progress.finish()

    def _run(self) -> None:
        while not self._over.wait(LOOK_EVERY_SECONDS):
            self._read()

    def _read(self) -> None:
        try:
            for scalar in self._events.read():
                self._progress.add(scalar)
        except Exception as error:  # days of training are not to end for the sake of a curve
            self._progress.tell(f"the curves cannot be read just now: {error}")
