"""What the steps' folders and the run's facts tell, put together: plain values in an order that never changes."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import images, journal
from ..folders import damage
from ..store import digest
from . import speed, times

SCHEMA = 1
"""Raised when a key changes its meaning or goes; a new key needs no new number."""

DATA_SUFFIXES = {".npy", ".bin", ".idx", ".jsonl", ".arrow", ".parquet"}
POINTS = 400
"""Of a loss curve, at the most: a longer one is drawn through the means of neighbours."""

Values = Mapping[str, Any]
Events = Sequence[Mapping[str, Any]]


def collect(folders: Mapping[str, Path], facts: Values) -> dict[str, Any]:
    """The card. Whatever a lost, half-written or foreign file keeps from being known is None, and never an error."""
    known = {step["name"]: step for step in facts.get("steps", ())}
    names = [*known, *(name for name in folders if name not in known)]
    events = {name: _events(folders[name]) for name in names if name in folders}
    steps = [_step(name, known.get(name, {}), folders.get(name), events.get(name, ())) for name in names]
    weights = max((speed.weights(folder) for folder in folders.values()), default=0) or None
    return {
        "schema": SCHEMA,
        "recipe": facts.get("recipe"),
        "platform": facts.get("platform"),
        "config": facts.get("config", {}),
        "parameters": facts.get("parameters", {}),
        "versions": facts.get("versions", {}),
        "images": _images(facts, folders),
        "data": _data(facts.get("data") or "prepare", folders),
        "weights": weights,
        "steps": steps,
        "trainings": {
            name: _training(told, known.get(name, {}), weights, facts.get("peak_source"))
            for name, told in events.items()
            if any(event["event"] == "step" for event in told)
        },
        "compile": _compile(folders),
        "tests": _tests(folders),
        "price": _price(steps, facts.get("prices")),
    }


def _images(facts: Values, folders: Mapping[str, Path]) -> dict[str, Any]:
    """The images, each with the digest that its reference has, or that a node told of the first step to run it."""
    told: dict[str, str] = {}
    for step in facts.get("steps", ()):
        digest = images.noted(folders[step["name"]]) if step["name"] in folders else None
        if digest and step.get("image"):
            told.setdefault(step["image"], digest)
    return {
        name: {**one, "digest": one.get("digest") or told.get(name)} for name, one in facts.get("images", {}).items()
    }


def _events(folder: Path) -> list[dict[str, Any]]:
    try:
        return [event for event in journal.read(folder) if isinstance(event, dict) and "event" in event]
    except (OSError, ValueError):
        return []


def _step(name: str, known: Values, folder: Path | None, events: Events) -> dict[str, Any]:
    problem = damage(folder) if folder else "is not there"
    passed = times.passed(folder, events) if folder else times.NOTHING
    hourly, nodes = known.get("dollars_per_hour"), known.get("nodes", 1)
    priced = hourly is not None and passed.seconds is not None
    return {
        "name": name,
        "hash": known.get("hash"),
        "done": problem is None,
        "problem": problem,
        "result": next((event["text"] for event in reversed(events) if event["event"] == "result"), ""),
        "machine": known.get("machine"),
        "nodes": nodes,
        "starts": passed.starts,
        "resumes": sum(event["event"] == "resume" for event in events),
        "began": times.stamp(passed.began),
        "ended": times.stamp(passed.ended),
        "seconds": None if passed.seconds is None else round(passed.seconds, 1),
        "dollars": round(hourly * nodes * passed.seconds / 3600, 4) if priced else None,
    }


def _training(events: Events, known: Values, weights: int | None, source: str | None) -> dict[str, Any]:
    steps = [event for event in events if event["event"] == "step"]
    held_out = [event for event in events if event["event"] == "eval"]
    speeds = [event["tokens_per_second"] for event in steps if "tokens_per_second" in event]
    typical = speed.typical(speeds)
    peak = known.get("peak_tflops") and known["peak_tflops"] * known.get("nodes", 1)
    return {
        "steps_done": steps[-1]["step"],
        "steps": steps[-1]["steps"],
        "loss": steps[-1]["loss"],
        "held_out_first": held_out[0]["loss"] if held_out else None,
        "held_out_last": held_out[-1]["loss"] if held_out else None,
        "tokens_per_second": {"typical": typical, "best": max(speeds, default=None), "looks": len(speeds)},
        "mfu": speed.utilization(typical, weights, known.get("operations"), peak, source),
        "curve": thinned([(event["step"], event["loss"]) for event in steps], POINTS),
        "held_out_curve": thinned([(event["step"], event["loss"]) for event in held_out], POINTS),
    }


def thinned(points: Sequence[tuple[int, float]], most: int) -> list[list[float]]:
    """`points` (step, loss), or at most `most` means of neighbours; the last of a group gives its step."""
    size = -(-len(points) // most)
    groups = [points[at : at + size] for at in range(0, len(points), size or 1)]
    return [[group[-1][0], round(sum(loss for _, loss in group) / len(group), 6)] for group in groups]


def _data(step: str, folders: Mapping[str, Path]) -> dict[str, Any]:
    """Which data was trained on: SHA-256 over the names and digests of the files that the step left."""
    folder = folders.get(step)
    if folder is None or damage(folder):
        return {"step": step, "fingerprint": None, "files": {}, "about": {}}
    files = sorted(path for path in folder.rglob("*") if path.suffix in DATA_SUFFIXES and path.name != journal.FILE)
    visible = [path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    digests = {path.relative_to(folder).as_posix(): digest(path) for path in visible}
    return {
        "step": step,
        "fingerprint": speed.sha256(digests) if digests else None,
        "files": digests,
        "about": _json(folder / "data.json"),
    }


def _json(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text())
        return found if isinstance(found, dict) else {}
    return {}


def _numbers(values: Any) -> dict[str, float]:
    """The numbers among `values` by name; none where it is no mapping."""
    found = values.items() if isinstance(values, dict) else ()
    return {name: one for name, one in found if isinstance(one, (int, float)) and not isinstance(one, bool)}


def _tests(folders: Mapping[str, Path]) -> dict[str, dict[str, dict[str, float]]]:
    """What the recipe's own tests measured: by step, then by model (`base`, `tuned`), then by measure."""
    reports = {name: _json(folder / "report.json") for name, folder in folders.items() if damage(folder) is None}
    found = {
        name: {label: numbers for label, one in report.items() if (numbers := _numbers(one))}
        for name, report in reports.items()
    }
    return {name: models for name, models in found.items() if models}


def _compile(folders: Mapping[str, Path]) -> dict[str, Any] | None:
    """What a step that compiles ahead says of its cache: every number in its report; None where there is no such."""
    folder = folders.get("compile")
    if folder is None or damage(folder):
        return None
    return _numbers(_json(folder / "report.json")) or None


def _price(steps: Sequence[Values], prices: Any) -> dict[str, Any]:
    """Dollars of the steps' machines while they worked. One step of unknown price makes the sum unknown."""
    ran = [step["dollars"] for step in steps if step["done"]]
    whole = bool(ran) and None not in ran
    return {"dollars": round(sum(ran), 4) if whole else None, "by": prices}
