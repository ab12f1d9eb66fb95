"""Answers of a model to a list of prompts, in batches: greedy, or drawn."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sampling:
    """Each token is drawn from the `top_k` likeliest, or the fewer that have probability `top_p` together."""

    temperature: float
    top_k: int
    top_p: float


@dataclass(frozen=True, slots=True)
class Generation:
    """`stops` are token ids at which an answer ends; they are not part of it. Without `sampling`, greedy."""

    batch: int
    max_new_tokens: int
    stops: tuple[int, ...]
    sampling: Sampling | None = None

    @property
    def choice(self) -> dict[str, Any]:
        """How `generate` of transformers, and of optimum-neuron, is told of it."""
        return {"do_sample": True, **asdict(self.sampling)} if self.sampling else {"do_sample": False}


def answers(
    model: Any, tokenizer: Any, prompts: Sequence[str], how: Generation, progress: Callable[[int], None]
) -> list[str]:
    """One answer a prompt, in order; `progress` hears how many are there after each batch.

    Prompts of like length share a batch, so that little is spent on padding.
    """
    done: dict[int, str] = {}
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    for at in range(0, len(order), how.batch):
        chosen = order[at : at + how.batch]
        texts = _batch(model, tokenizer, [prompts[index] for index in chosen], how)
        done.update(zip(chosen, texts, strict=True))
        progress(len(done))
    return [done[index] for index in range(len(prompts))]


def _batch(model: Any, tokenizer: Any, prompts: list[str], how: Generation) -> list[str]:
    import torch

    inputs = tokenizer(prompts, add_special_tokens=False, padding=True, return_tensors="pt")
    with torch.inference_mode():
        outputs = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=how.max_new_tokens,
            **how.choice,
            eos_token_id=list(how.stops),
            pad_token_id=tokenizer.pad_token_id,
        )
    fresh = outputs[:, inputs["input_ids"].shape[1] :]
    return [text.strip() for text in tokenizer.batch_decode(fresh, skip_special_tokens=True)]
