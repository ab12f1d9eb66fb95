"""Pictures for people: loss curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def losses(trainings: Mapping[str, Sequence[Mapping[str, Any]]], picture: Path, title: str) -> None:
    """Draws each training's loss a step, and its held-out loss, from the events of its journal, side by side."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(trainings), figsize=(6 * len(trainings), 4), squeeze=False)
    for axis, (name, events) in zip(axes[0], trainings.items(), strict=True):
        for kind, style in (("step", {"linewidth": 1}), ("eval", {"marker": "o"})):
            points = [(event["step"], event["loss"]) for event in events if event["event"] == kind]
            axis.plot(*zip(*points, strict=True), label="training" if kind == "step" else "held out", **style)
        axis.set(title=f"{title}: {name}", xlabel="step", ylabel="loss a token", ylim=(0, None))
        axis.legend()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(picture, dpi=120)
    pyplot.close(figure)
