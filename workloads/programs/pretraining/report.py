"""What a training came to: losses, throughput, model flops utilization (MFU) and time, from its journal.

MFU = tokens/s × operations a token / peak, where operations a token = 6 N + 12 L H T for N weights that multiply, L
layers of width H and blocks of T tokens: PaLM (Chowdhery et al. 2022), appendix B. Activations computed twice do not
count. The peak is that of the devices in dense bf16, 190 teraflops a Trainium and 667 a Trainium2 (AWS Neuron
documentation).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Summary = dict[str, float | int | None]


class Shape(Protocol):
    """The numbers of a Llama that its operations depend on."""

    hidden_size: int
    layers: int
    heads: int
    key_value_heads: int
    feed_forward: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class Work:
    """`peak_tflops` 0: not known. `wall_seconds` since training first began, with all that was lost between."""

    tokens_per_step: int
    flops_per_token: int
    peak_tflops: float
    wall_seconds: float


def multiplying_weights(shape: Shape) -> int:
    """Weights that take part in a matrix product for each token: all matrices but the embedding, which is looked up."""
    attention = 2 * shape.hidden_size * (shape.hidden_size + shape.hidden_size * shape.key_value_heads // shape.heads)
    feed_forward = 3 * shape.hidden_size * shape.feed_forward
    return shape.layers * (attention + feed_forward) + shape.hidden_size * shape.vocabulary


def flops_per_token(shape: Shape, block_size: int) -> int:
    """Forward and backward pass, the scores of attention over the whole block included."""
    return 6 * multiplying_weights(shape) + 12 * shape.layers * shape.hidden_size * block_size


def summary(events: Iterable[Mapping[str, Any]], work: Work) -> Summary:
    """Throughput is over the steps that count: those taken twice, since a worker died between, count once."""
    listed = list(events)
    held_out = [event["loss"] for event in listed if event["event"] == "eval"]
    steps = [event for event in listed if event["event"] == "step"]
    seconds = _seconds(steps, work.tokens_per_step)
    speed = len(steps) * work.tokens_per_step / seconds if seconds else 0.0
    peak = work.peak_tflops * 1e12
    return {
        "steps": len(steps),
        "tokens": len(steps) * work.tokens_per_step,
        "loss": steps[-1]["loss"],
        "held_out_loss_before": held_out[0],
        "held_out_loss": held_out[-1],
        "tokens_per_second": speed,
        "peak_tokens_per_second": max(event.get("tokens_per_second", 0.0) for event in steps),
        "flops_per_token": work.flops_per_token,
        "mfu": speed * work.flops_per_token / peak if peak else None,
        "training_seconds": seconds,
        "wall_seconds": work.wall_seconds,
        "resumes": sum(event["event"] == "resume" for event in listed),
    }


def _seconds(steps: Iterable[Mapping[str, Any]], tokens_per_step: int) -> float:
    """Each interval's last step knows the tokens a second of the whole interval."""
    total, pending = 0.0, 0
    for event in steps:
        pending += 1
        if event.get("tokens_per_second"):
            total += pending * tokens_per_step / event["tokens_per_second"]
            pending = 0
    return total


def in_words(found: Summary) -> str:
    mfu = "" if found["mfu"] is None else f", MFU {found['mfu']:.1%}"
    before, after = found["held_out_loss_before"], found["held_out_loss"]
    return (
        f"held-out loss {before:.3f} → {after:.3f} in {found['steps']:,} steps, "
        f"{found['tokens_per_second']:,.0f} tokens/s{mfu}, {_time(found['wall_seconds'])}"
    )


def as_text(found: Summary) -> str:
    mfu = "not told: no peak is known for this machine" if found["mfu"] is None else f"{found['mfu']:.1%}"
    rows = {
        "steps": f"{found['steps']:,}",
        "tokens": f"{found['tokens']:,}",
        "training loss, last step": f"{found['loss']:.4f}",
        "held-out loss": f"{found['held_out_loss_before']:.4f} → {found['held_out_loss']:.4f}",
        "throughput": f"{found['tokens_per_second']:,.0f} tokens/s, at its best {found['peak_tokens_per_second']:,.0f}",
        "MFU": mfu,
        "time in steps": _time(found["training_seconds"]),
        "time to train": f"{_time(found['wall_seconds'])}, with {found['resumes']} resumes",
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join(["# Training", "", "| | |", "| --- | --- |", *lines, "", _FORMULA, ""])


_FORMULA = (
    "MFU = tokens/s × (6 N + 12 L H T) / peak, by PaLM's appendix B: N weights that multiply, L layers of width H, "
    "blocks of T tokens; peak in dense bf16, 190 teraflops a Trainium device and 667 a Trainium2."
)


def _time(seconds: float | int | None) -> str:
    minutes, rest = divmod(round(seconds or 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
