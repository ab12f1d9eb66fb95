"""Step `test`: the base model against the tuned one, on rows that neither was trained on.

Leaves `report.json` and `report.md`: exact match, execution match (see `sql`), and both answers to every row.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .. import entry, folders, hub
from ..entry import argument
from ..finetune import RESULT
from ..generate import Generation, answers
from ..journal import Journal
from . import prompt, score
from .consolidate import END_OF_TURN
from .rows import Row, read_file


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    data: str = argument("folder of the step that prepared the data, with the held-out rows")
    tuned: str = argument("folder of the step that consolidated the tuned model")
    model: str = argument("base model: its name on the Hub, or a folder")
    model_revision: str = argument("branch, tag or commit of the model on the Hub")
    precision: Literal["bf16", "fp32"] = argument("type of the weights")
    rows: int = argument("held-out rows to ask, at the most")
    max_new_tokens: int = argument("tokens an answer may have")
    batch: int = argument("questions asked at a time")
    examples: int = argument("rows shown in full in report.md")


def test(arguments: Arguments, out: Path) -> None:
    journal = Journal(out)
    data = folders.require_done(Path(arguments.data))
    tuned = folders.require_done(Path(arguments.tuned)) / RESULT
    rows = list(read_file(str(data / "eval.jsonl")))[: arguments.rows]
    base = _answers(Model("base", arguments.model, arguments.model_revision), tuned, rows, arguments, journal)
    after = _answers(Model("tuned", str(tuned), "main"), tuned, rows, arguments, journal)
    report = score.report(rows, base, after)
    (out / "report.json").write_text(json.dumps(report, indent=1))
    (out / "report.md").write_text(score.as_text(report, arguments.examples))
    journal.result(score.in_words(report))


@dataclass(frozen=True, slots=True)
class Model:
    """`label` is what the report calls it; `name` its place on the Hub, or a folder."""

    label: str
    name: str
    revision: str


def _answers(
    model: Model, tokenizer_folder: Path, rows: list[Row], arguments: Arguments, journal: Journal
) -> list[score.Answer]:
    """One model's answers, judged. It is in memory only meanwhile: two of 8 billion weights would not fit together."""
    tokenizer = hub.load_tokenizer(str(tokenizer_folder))
    stops = (tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(END_OF_TURN))
    how = Generation(arguments.batch, arguments.max_new_tokens, stops)
    prompts = [prompt.open_prompt(tokenizer, row) for row in rows]
    network = hub.load_model(model.name, model.revision, arguments.precision).eval()
    what = f"rows answered by the {model.label} model"
    texts = answers(network, tokenizer, prompts, how, lambda done: journal.progress(done, len(rows), what))
    return [score.judge(row, text) for row, text in zip(rows, texts, strict=True)]


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, test))
