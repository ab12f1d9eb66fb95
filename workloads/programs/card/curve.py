"""A loss curve as SVG: training as a line, held-out loss as a line with dots, from zero up."""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ..elements import element

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 36

Points = Sequence[Sequence[float]]


def curve(name: str, training: Mapping[str, Any]) -> Element:
    """The picture of one training; points that are no numbers are left out."""
    trained, held_out = _finite(training["curve"]), _finite(training["held_out_curve"])
    both = [*trained, *held_out]
    scale = _Scale(max((x for x, _ in both), default=1.0) or 1.0, max((y for _, y in both), default=1.0) or 1.0)
    label = f"Loss a token of the step {name}, by training step"
    return element(
        "svg",
        element("title", label),
        *scale.axes(),
        element("polyline", points=scale.path(trained), class_="training"),
        element("polyline", points=scale.path(held_out), class_="held-out"),
        *(element("circle", cx=scale.x(x), cy=scale.y(y), r=2.5, class_="held-out") for x, y in _few(held_out)),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
    )


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _few(points: Points) -> Points:
    """Dots for a curve of few points: on one of many they would hide it."""
    return points if len(points) <= 60 else ()


class _Scale:
    """From steps and losses to places in the picture."""

    def __init__(self, most_x: float, most_y: float):
        self._ticks_x, self._ticks_y = ticks(most_x), ticks(most_y)
        self._most_x, self._most_y = most_x, max(most_y, self._ticks_y[-1])

    def x(self, step: float) -> str:
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * step / self._most_x:.1f}"

    def y(self, loss: float) -> str:
        return f"{TOP + (HEIGHT - TOP - BOTTOM) * (1 - loss / self._most_y):.1f}"

    def path(self, points: Points) -> str:
        return " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)

    def axes(self) -> list[Element]:
        found = []
        for tick in self._ticks_y:
            at = self.y(tick)
            found.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at, class_="grid"))
            found.append(element("text", f"{tick:g}", x=LEFT - 8, y=at, class_="tick y"))
        for tick in self._ticks_x:
            found.append(element("text", f"{tick:,.0f}", x=self.x(tick), y=HEIGHT - BOTTOM + 18, class_="tick x"))
        return found


def ticks(most: float, wanted: int = 5) -> list[float]:
    """Round numbers from 0 to at most `most`: multiples of 1, 2 or 5 times a power of ten."""
    rough = most / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return [round(step * place, 10) for place in range(int(most / step + 1e-9) + 1)]
