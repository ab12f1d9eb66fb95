"""Step `test`: what a pretrained model makes of text that it has not read, and how it goes on from some prompts.

Leaves `report.json` and `report.md`: the loss a token over held-out blocks, its perplexity, and the generations.
"""

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .. import blocks, entry, folders, hub
from ..entry import argument
from ..errors import UserError
from ..generate import Generation, answers
from ..journal import Journal
from ..packing import EMPTY, IGNORED_LABEL, inputs_and_labels


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    data: str = argument("folder of the step that prepared the data: eval.npy and tokenizer/")
    model: str = argument("folder of the model, in Hugging Face's form")
    precision: Literal["bf16", "fp32"] = argument("type of the weights")
    blocks: int = argument("held-out blocks to read, at the most")
    prompts: list[str] = argument("beginnings of texts to go on from")
    max_new_tokens: int = argument("tokens to go on for, at the most")
    batch: int = argument("blocks or prompts in memory at a time")


def test(arguments: Arguments, out: Path) -> None:
    journal = Journal(out)
    data = folders.require_done(Path(arguments.data))
    tokenizer = hub.load_tokenizer(str(data / folders.TOKENIZER))
    model = hub.load_model(arguments.model, "main", arguments.precision).eval()
    held_out = blocks.read(data / "eval.npy")[: arguments.blocks]
    loss = held_out_loss(model, held_out, arguments.batch, journal)
    texts = _generate(model, tokenizer, arguments, journal)
    generations = [{"prompt": prompt, "text": text} for prompt, text in zip(arguments.prompts, texts, strict=True)]
    report = {
        "blocks": len(held_out),
        "tokens": int((held_out[:, 1:] != EMPTY).sum()),
        "held_out_loss": loss,
        "perplexity": math.exp(loss),
        "generations": generations,
    }
    (out / "report.json").write_text(json.dumps(report, indent=1))
    (out / "report.md").write_text(as_text(report))
    journal.result(f"perplexity {report['perplexity']:,.2f} over {report['tokens']:,} held-out tokens")


def held_out_loss(model: Any, held_out: blocks.Tokens, batch: int, journal: Journal) -> float:
    """Mean cross-entropy a predicted token, in nats, over the blocks [n, block_size]."""
    import torch

    total, tokens = 0.0, 0
    for at in range(0, len(held_out), batch):
        inputs, labels = (torch.from_numpy(part) for part in inputs_and_labels(held_out[at : at + batch]))
        with torch.inference_mode():
            logits = model(input_ids=inputs, use_cache=False).logits[:, :-1].float()
        wanted = labels[:, 1:].flatten()
        total += torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), wanted, ignore_index=IGNORED_LABEL, reduction="sum"
        ).item()
        tokens += int((wanted != IGNORED_LABEL).sum())
        journal.progress(min(at + batch, len(held_out)), len(held_out), "held-out blocks read")
    if not math.isfinite(total):
        raise UserError(
            "The model's loss is not a number: its weights are broken. Look at the training's metrics.jsonl."
        )
    return total / tokens


def _generate(model: Any, tokenizer: Any, arguments: Arguments, journal: Journal) -> list[str]:
    how = Generation(arguments.batch, arguments.max_new_tokens, (tokenizer.eos_token_id,))
    total = len(arguments.prompts)
    return answers(
        model, tokenizer, arguments.prompts, how, lambda done: journal.progress(done, total, "prompts gone on from")
    )


def as_text(report: dict[str, Any]) -> str:
    lines = [
        "# Pretrained model",
        "",
        f"Over {report['blocks']:,} held-out blocks ({report['tokens']:,} tokens): loss {report['held_out_loss']:.4f}, "
        f"perplexity {report['perplexity']:,.2f}.",
    ]
    for one in report["generations"]:
        lines += ["", f"**{one['prompt']}** {one['text']}"]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, test))
