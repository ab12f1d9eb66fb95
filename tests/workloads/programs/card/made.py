"""Folders of steps as a small run leaves them, with times of our own."""

import json
import os
from pathlib import Path
from typing import Any

from workloads.programs import folders
from workloads.programs.journal import FILE

NOON = 1_795_262_400.0
"""2026-11-21 12:00 UTC."""

SPEEDS = (10.0, 1000.0, 1200.0, 1100.0)
"""Tokens a second; in the first look the model is compiled."""

FACTS: dict[str, Any] = {
    "recipe": "text-to-sql",
    "platform": "eks",
    "config": {"nodes": {"instanceType": "trn1.32xlarge", "count": 2}},
    "parameters": {"learning_rate": 0.004, "lora_targets": ["q_proj", "k_proj"]},
    "versions": {"trainyard": "0.1.0"},
    "images": {"neuron-training": {"reference": "registry.test/n@sha256:ab", "digest": "sha256:ab", "packages": []}},
    "prices": {"region": "us-east-1", "date": "2026-07-20"},
    "peak_source": "a table",
    "data": "prepare",
    "steps": [
        {"name": "prepare", "hash": "a" * 10, "machine": "m7i.4xlarge", "nodes": 1, "dollars_per_hour": 0.8},
        {
            "name": "train",
            "hash": "b" * 10,
            "machine": "trn1.32xlarge",
            "nodes": 2,
            "dollars_per_hour": 21.5,
            "peak_tflops": 3040,
            "operations": 4,
        },
        {"name": "test", "hash": "c" * 10, "machine": "m7i.8xlarge", "nodes": 1, "dollars_per_hour": 1.6},
    ],
}


def write_events(folder: Path, *events: dict[str, Any]) -> None:
    (folder / FILE).write_text("".join(json.dumps(event) + "\n" for event in events))


def starts(folder: Path, *times: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / folders.LOCK).write_text("".join(f"{at:.3f}\n" for at in times))


def done(folder: Path, at: float) -> None:
    folders.mark_done(folder)
    os.utime(folder / folders.MARKER, (at, at))


def safetensors(file: Path, *shapes: list[int]) -> None:
    """A file with the header of such tensors, and none of their bytes."""
    header = {f"w{place}": {"dtype": "F32", "shape": shape} for place, shape in enumerate(shapes)}
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(len(text).to_bytes(8, "little") + text)


def made_run(root: Path) -> dict[str, Path]:
    """prepare (60 s), train (30 min, killed once in the midst, then 30 min more), test (2 min)."""
    prepare, train, test = (root / name for name in ("prepare", "train", "test"))
    starts(prepare, NOON)
    (prepare / "train.npy").write_bytes(b"blocks")
    (prepare / "data.json").write_text(json.dumps({"dataset": "rows", "train": {"rows": 9}}))
    write_events(prepare, {"event": "result", "text": "9 blocks", "at": NOON + 59})
    done(prepare, NOON + 60)
    starts(train, NOON + 100, NOON + 90_000)
    safetensors(train / "model" / "model.safetensors", [1000, 1000], [1000])
    steps = [
        {"event": "step", "step": step, "steps": 4, "loss": 5.0 - step, "tokens_per_second": speed, "at": NOON + at}
        for step, speed, at in zip((1, 2, 3, 4), SPEEDS, (900, 1900, 90_900, 91_800), strict=True)
    ]
    write_events(
        train,
        {"event": "eval", "step": 0, "loss": 5.5, "at": NOON + 200},
        *steps[:2],
        {"event": "resume", "step": 2, "at": NOON + 90_060},
        *steps[2:],
        {"event": "eval", "step": 4, "loss": 1.5, "at": NOON + 91_790},
    )
    done(train, NOON + 91_800)
    starts(test, NOON + 92_000)
    models = {"base": {"exact_match": 0.1, "rows": 64}, "tuned": {"exact_match": 0.4, "rows": 64}}
    (test / "report.json").write_text(json.dumps({**models, "rows": [{"question": "?"}]}))
    done(test, NOON + 92_120)
    return {"prepare": prepare, "train": train, "test": test}
