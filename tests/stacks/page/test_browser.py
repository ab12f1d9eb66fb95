"""The page in a real browser: it complains of nothing, all boxes are in sight and hold their words, none is blank."""

import html
import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

from stacks.page import page
from stacks.plan import make_plan

pytestmark = pytest.mark.tier("browser")

NAMES = ("chromium", "chromium-browser", "google-chrome")
LAPTOP, PHONE = (1280, 800), (400, 800)
LIGHT, DARK = 1, 0
"""What Chromium calls the schemes that a person may prefer."""

MEASURE = """
onload = () => {
  const page = frames[0].document;
  const sides = one => { const r = one.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  const seen = [...page.querySelectorAll('.box > rect')].filter(one => one.getClientRects().length);
  document.body.replaceChildren(JSON.stringify({
    document: page.documentElement.scrollWidth,
    boxes: seen.map(sides),
    words: seen.map(one => [...one.parentNode.querySelectorAll(':scope > text')].map(sides)),
    others: [...page.querySelectorAll('.gantt .bar, .figures div, summary')].map(sides),
  }));
};
"""
"""Looks from a page around it, whose frame is as narrow as a phone: a window cannot be."""


@cache
def browser() -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"there is no {', '.join(NAMES)} on PATH")
    return found


def look(file: Path, size: tuple[int, int], scheme: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Opens `file` without a window; what it says to its console is in stderr."""
    command = [
        *(browser(), "--headless", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=2000"),
        *(f"--user-data-dir={file.parent / 'profile'}", f"--window-size={size[0]},{size[1]}"),
        *(f"--blink-settings=preferredColorScheme={scheme}", "--enable-logging=stderr", *arguments),
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]
    return subprocess.run([*command, file.as_uri()], capture_output=True, text=True, check=True, timeout=120)


def complaints(told: "subprocess.CompletedProcess[str]") -> list[str]:
    return [line for line in told.stderr.splitlines() if ":CONSOLE" in line]


@cache
def text(stack: str) -> str:
    return page(make_plan(stack))


def written(folder: Path, content: str) -> Path:
    file = folder / "plan.html"
    file.write_text(content)
    return file


def measured(folder: Path, stack: str, width: int) -> dict[str, Any]:
    """Pixels of what is on the page, `width` of them wide."""
    frame = f'<iframe srcdoc="{html.escape(text(stack))}" style="border:0;width:{width}px;height:800px"></iframe>'
    around = f"<!doctype html><body style='margin:0'>{frame}<script>{MEASURE}</script></body>"
    told = look(written(folder, around), LAPTOP, LIGHT, "--dump-dom")
    body = re.search(r"<body[^>]*>(.*)</body>", told.stdout, re.DOTALL)
    assert body, told.stderr
    return json.loads(html.unescape(body[1]))


def test_a_complaint_would_be_seen(tmp_path: Path) -> None:
    file = written(tmp_path, text("local").replace("</body>", "<script>1</script></body>"))
    assert complaints(look(file, LAPTOP, LIGHT, "--dump-dom"))


@pytest.mark.parametrize("stack", ["dev", "local"])
def test_the_browser_complains_of_nothing(tmp_path: Path, stack: str) -> None:
    assert complaints(look(written(tmp_path, text(stack)), LAPTOP, LIGHT, "--dump-dom")) == []


@pytest.mark.parametrize("width", [1280, 900, 899, 400, 360])
def test_all_boxes_are_in_sight_and_their_words_in_them(tmp_path: Path, width: int) -> None:
    found = measured(tmp_path, "dev", width)
    assert found["document"] <= width
    assert len(found["boxes"]) > 40
    for left, top, right, bottom in (*found["boxes"], *found["others"]):
        assert 0 <= left < right <= width
        assert 0 <= top < bottom
    for box, words in zip(found["boxes"], found["words"], strict=True):
        assert words
        for left, top, right, bottom in words:
            assert box[0] <= left < right <= box[2]
            assert box[1] <= top < bottom <= box[3]


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=lambda size: str(size[0]))
def test_both_schemes_are_drawn_and_neither_is_blank(tmp_path: Path, size: tuple[int, int]) -> None:
    grounds = []
    for scheme in (LIGHT, DARK):
        picture = tmp_path / f"{scheme}.png"
        look(written(tmp_path, text("dev")), (size[0], 3000), scheme, f"--screenshot={picture}")
        pixels = imread(picture)[..., :3]
        assert pixels.shape[1] == size[0]
        assert len({tuple(color) for color in pixels[::3, ::3].reshape(-1, 3).round(2).tolist()}) > 30
        grounds.append(pixels[0, 0].mean())
    assert grounds[0] > 0.8
    assert grounds[1] < 0.2
