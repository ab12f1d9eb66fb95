"""What a training wrote down of itself."""

from pathlib import Path

from workloads.programs import journal


def curve(folder: Path) -> list[tuple[str, int, float]]:
    """Every step's loss and every look at the held-out one, in order."""
    events = (event for event in journal.read(folder) if event["event"] in ("step", "eval"))
    return [(event["event"], event["step"], event["loss"]) for event in events]


def losses(folder: Path) -> list[float]:
    return [loss for _, _, loss in curve(folder)]


def held_out(folder: Path) -> list[float]:
    return [loss for event, _, loss in curve(folder) if event == "eval"]


def resumed_at(folder: Path) -> list[int]:
    return [event["step"] for event in journal.read(folder) if event["event"] == "resume"]
