"""Step `base` of a rehearsal, in place of the model from the Hub: a tokenizer and a tiny Llama that has read the rows.

It reads the training rows as plain text, each just tables, question and SQL on lines of their own. So the adapter that
follows finds something to adapt: a model that knows the words, and not yet how to answer in a conversation.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import blocks, entry
from ..backends import ModelSpec, OptimizerSpec, choose
from ..entry import WORK, argument
from ..finetune import RESULT, Training, fit
from ..rehearsal import tiny
from ..training.loop import Plan
from . import prompt, rows
from .prepare import split

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    dataset: str = argument("data set on the Hub, or a JSONL file with the fields question, context, answer")
    dataset_revision: str = argument("branch, tag or commit of the data set on the Hub")
    train_rows: int = argument("rows to train on, at the most: those of the step prepare")
    eval_rows: int = argument("rows to hold out: those of the step prepare")
    shuffle_seed: int = argument("seed of the shuffle before rows are split: that of the step prepare")
    vocabulary: int = argument("tokens in the tokenizer, at the most")
    block_size: int = argument("tokens in a block")
    steps: int = argument("optimizer steps")
    micro_batch: int = argument("blocks a step reads")
    learning_rate: float = argument("highest learning rate")
    seed: int = argument("seed of weights and batches")


def make_base(arguments: Arguments, out: Path) -> None:
    work = out / WORK
    data = rows.load(arguments.dataset, arguments.dataset_revision, work)
    train, held_out = split(data, arguments.train_rows, arguments.eval_rows, arguments.shuffle_seed)
    said = (message["content"] for row in train for message in prompt.conversation(_row(row)))
    tokenizer = tiny.train_tokenizer(said, arguments.vocabulary)
    work.mkdir(exist_ok=True)
    tiny.save(work / "model", tiny.make_model(len(tokenizer), arguments.seed), tokenizer)
    for name, part in (("train", train), ("eval", held_out)):
        _write(part, tokenizer, work / f"{name}.npy", arguments.block_size)
    model = ModelSpec(str(work / "model"), "main", "fp32", lora=None, gradient_checkpointing=False)
    training = Training(model, OptimizerSpec(weight_decay=0.0, max_grad_norm=1.0), _plan(arguments), keep_checkpoints=1)
    fit(choose("cpu", 1), training, work, out)
    tokenizer.save_pretrained(out / RESULT)


def _plan(arguments: Arguments) -> Plan:
    return Plan(
        max_steps=arguments.steps,
        micro_batch=arguments.micro_batch,
        accumulation=1,
        learning_rate=arguments.learning_rate,
        warmup_steps=arguments.steps // 20,
        seed=arguments.seed,
        log_every=10,
        eval_every=max(1, arguments.steps // 10),
        checkpoint_every=arguments.steps,
    )


def _row(row: Any) -> rows.Row:
    return rows.Row(question=row["question"], context=row["context"], answer=row["answer"])


def _text(row: Any) -> str:
    return f"{row['context']}\n{row['question']}\n{row['answer']}"


def _write(part: "Dataset", tokenizer: Any, path: Path, block_size: int) -> None:
    sequences = [np.array(ids, dtype=np.int32) for ids in _token_ids(part, tokenizer)]
    blocks.write(path, np.array([len(ids) for ids in sequences]), sequences, block_size)


def _token_ids(part: "Dataset", tokenizer: Any) -> Iterator[list[int]]:
    for row in part:
        yield tokenizer(_text(row), add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, make_base))
