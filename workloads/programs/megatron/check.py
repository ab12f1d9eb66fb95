"""Step `check` of a rehearsal: every command that needs the image or a Neuron device, held against what it is given to.

It starts none of them. Leaves `report.md`, and `commands.json` with each command and its environment, for each node.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import entry, folders
from ..errors import UserError
from ..journal import Journal
from . import convert, corpus, preprocess, pretraining, repository
from .node import Place
from .pretraining import Arguments, Command


@dataclass(frozen=True)
class Checked:
    """`step` and `node` that start `command`, and what is wrong with it."""

    step: str
    node: int
    command: Command
    misfits: tuple[str, ...]


def check(arguments: Arguments, out: Path) -> None:
    data = folders.require_done(Path(arguments.data))
    folders.require_done(Path(arguments.tokenizer))
    checked = list(commands(arguments, data))
    folders.write_atomically(out / "commands.json", json.dumps([asdict(one) for one in checked], indent=1))
    wrong = [f"{one.step}, node {one.node}: {misfit}" for one in checked for misfit in one.misfits]
    if wrong:
        raise UserError("The repository does not take what it would be given:\n" + "\n".join(wrong))
    (out / "report.md").write_text(_report(checked))
    steps = ", ".join(dict.fromkeys(one.step for one in checked))
    Journal(out).result(f"{len(checked)} commands fit what the repository takes, and were not run: {steps}")


def commands(arguments: Arguments, data: Path) -> Iterator[Checked]:
    """Every command of the steps that a rehearsal does not carry out, of each node, begun and resumed."""
    tokenizer = Path(arguments.tokenizer) / folders.TOKENIZER
    model = Path(arguments.out) / convert.MODEL
    indexing = preprocess.indexing(data / corpus.TRAIN, tokenizer, data / pretraining.TOKENS, 32)
    yield Checked("tokenize", 0, indexing, _options(indexing, repository.PREPROCESS_OPTIONS))
    name = f"megatron_llama--step={arguments.checkpoint_every}-consumed_samples=1.0.ckpt"
    for node in range(arguments.nodes):
        place = Place(node, arguments.nodes, "train-worker-0.train.namespace.svc")
        yield _settings("compile", place, pretraining.compiling(arguments, place))
        yield _settings("train", place, pretraining.training(arguments, place, None))
        resumed = str(Path(arguments.out) / pretraining.CHECKPOINTS / name)
        yield _settings("resumed train", place, pretraining.training(arguments, place, resumed))
    converting = convert.converting(model, model / "config.json", model)
    yield Checked("convert", 0, converting, _options(converting, repository.CONVERTER_OPTIONS))


def _settings(step: str, place: Place, command: Command) -> Checked:
    words = command.argv[command.argv.index("--config-name=megatron_llama_config") + 1 :]
    return Checked(step, place.node, command, tuple(repository.misfits_of_settings(words)))


def _options(command: Command, options: repository.Options) -> tuple[str, ...]:
    return tuple(repository.misfits_of_options(command.argv[2:], options))


def _report(checked: list[Checked]) -> str:
    rows = [f"| {one.step} | {one.node} | {one.command.argv[0]} | {len(one.command.argv)} |" for one in checked]
    head = (f"Held against neuronx-nemo-megatron at {repository.COMMIT[:10]}; none of these was run.", "")
    return "\n".join((*head, "| step | node | starts | words |", "| --- | --- | --- | --- |", *rows, ""))


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, check))
