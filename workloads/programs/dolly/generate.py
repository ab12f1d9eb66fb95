"""Step `generate`: the tuned model answers prompts from a file, drawing its tokens as the guide does.

Leaves `report.json` and `report.md`: each prompt, its answer, and the reference where the file has one. On Neuron the
exported model answers, on a processor the consolidated one; all else is the same.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from .. import entry, folders, hub
from ..entry import argument
from ..errors import UserError
from ..finetune import RESULT
from ..generate import Generation, Sampling, answers
from ..journal import Journal
from . import prompt
from .rows import CONTEXT, INSTRUCTION, QUESTIONS, RESPONSE

Row = dict[str, str]


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    model: str = argument("folder of the step that made the model: export on Neuron, consolidate on a processor")
    consolidated: str = argument("folder of the step that consolidated the model, which holds the tokenizer")
    data: str = argument("folder of the step that prepared the data, with the held-out rows")
    backend: Literal["cpu", "neuron"] = argument("what to generate on")
    prompts: str = argument("JSONL file with instruction, and context where there is one; empty for held-out rows")
    rows: int = argument("prompts to answer, at the most")
    precision: Literal["bf16", "fp32"] = argument("type of the weights on a processor")
    batch: int = argument("prompts at a time")
    sequence_length: int = argument("tokens of a prompt and its answer together, at the most")
    max_new_tokens: int = argument("tokens that an answer may have")
    temperature: float = argument("what logits are divided by before a token is drawn")
    top_k: int = argument("the most likely tokens to draw from")
    top_p: float = argument("draw from the likeliest tokens that together have this probability")
    seed: int = argument("seed of the draws")


def generate(arguments: Arguments, out: Path) -> None:
    import torch

    journal = Journal(out)
    asked = read_prompts(arguments)
    tokenizer = hub.load_tokenizer(str(folders.require_done(Path(arguments.consolidated)) / RESULT))
    prompts = [prompt.begin(tokenizer, prompt.open_prompt(row)) for row in asked]
    _check_lengths(prompts, tokenizer, arguments)
    model = _model(arguments)
    torch.manual_seed(arguments.seed)
    sampling = Sampling(arguments.temperature, arguments.top_k, arguments.top_p)
    how = Generation(arguments.batch, arguments.max_new_tokens, (tokenizer.eos_token_id,), sampling)
    texts = answers(model, tokenizer, prompts, how, lambda done: journal.progress(done, len(asked), "prompts answered"))
    report = make_report(asked, texts)
    (out / "report.json").write_text(json.dumps(report, indent=1))
    (out / "report.md").write_text(as_text(report))
    journal.result(in_words(report))


def read_prompts(arguments: Arguments) -> list[Row]:
    """The rows to ask: those of the file, else the rows that were held out; at the most `rows`, in order."""
    held_out = folders.require_done(Path(arguments.data)) / "eval.jsonl"
    return list(islice(QUESTIONS.read_file(arguments.prompts or str(held_out)), arguments.rows))


def _check_lengths(prompts: Sequence[str], tokenizer: Any, arguments: Arguments) -> None:
    """Told before the model is loaded: a compiled model takes no more tokens than it was made for."""
    lengths = [len(ids) for ids in tokenizer(list(prompts), add_special_tokens=False)["input_ids"]]
    room = arguments.sequence_length - arguments.max_new_tokens
    for number, length in enumerate(lengths, start=1):
        if length > room:
            raise UserError(
                f"Prompt {number} of {arguments.prompts or 'the held-out rows'} has {length:,} tokens. At the most "
                f"{room:,} fit: {arguments.sequence_length:,} (export_sequence_length) less "
                f"{arguments.max_new_tokens:,} (max_new_tokens). Shorten it, or change these parameters."
            )


def _model(arguments: Arguments) -> Any:
    folder = folders.require_done(Path(arguments.model)) / RESULT
    if arguments.backend == "cpu":
        return hub.load_model(str(folder), "main", arguments.precision).eval()
    from optimum.neuron import NeuronModelForCausalLM  # pyright: ignore[reportMissingImports]

    return hub.load(str(folder), NeuronModelForCausalLM.from_pretrained)


def make_report(asked: Sequence[Row], texts: Sequence[str]) -> dict[str, Any]:
    """The report as plain values. `same` counts answers that are the reference word for word, white space aside."""
    rows = [{**row, "answer": answer} for row, answer in zip(asked, texts, strict=True)]
    known = [row for row in rows if row[RESPONSE].strip()]
    same = sum(row["answer"].split() == row[RESPONSE].split() for row in known)
    empty = sum(not row["answer"].strip() for row in rows)
    return {"answers": len(rows), "references": len(known), "same": same, "empty": empty, "rows": rows}


def in_words(report: dict[str, Any]) -> str:
    text = f"{report['answers']} prompts answered"
    if report["references"]:
        text += f", {report['same']} of {report['references']} word for word as the reference"
    return text + (f", {report['empty']} with nothing" if report["empty"] else "")


def as_text(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    lines = [in_words(report) + "."]
    for row in report["rows"]:
        lines += ["", f"**{_line(row[INSTRUCTION])}**", ""]
        lines += [f"- context: {_line(row[CONTEXT])}"] if row[CONTEXT].strip() else []
        lines += [f"- reference: {_line(row[RESPONSE])}"] if row[RESPONSE].strip() else []
        lines.append(f"- answer: {_line(row['answer']) or '(nothing)'}")
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, generate))
