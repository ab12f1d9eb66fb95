"""A picture as text: for a terminal as one frame, for anything else as a line for each change."""

from collections.abc import Iterator

from rich import box
from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from workloads.programs.card.pages import duration
from workloads.programs.journal import Progress

from .picture import Picture, Row

COLOURS = {"done": "green", "running": "cyan", "waiting": "yellow", "failed": "red", "to come": "dim"}
LOG_LINES = 12


def frame(picture: Picture, height: int) -> RenderableType:
    """The whole picture within `height` lines."""
    parts: list[RenderableType] = [_head(picture), _steps(picture)]
    if picture.progress and picture.current:
        parts.append(_progress(picture))
    room = max(3, min(LOG_LINES, height - len(picture.rows) - 10))
    if picture.lines:
        parts.append(Text(f"last lines of {picture.current}", style="bold"))
        parts += [Text(_clean(line), style="dim", no_wrap=True, overflow="ellipsis") for line in picture.lines[-room:]]
    if picture.trouble:
        parts.append(Text(f"no answer, trying again: {picture.trouble}", style="yellow"))
    return Group(*parts)


def _head(picture: Picture) -> Text:
    style = {True: "green", False: "red", None: ""}[picture.verdict.ok]
    head = Text.assemble((picture.recipe or "Trainyard", "bold"), (f"  {picture.where}", "dim"), "\n")
    return head.append(picture.verdict.text, style=style)


def _steps(picture: Picture) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False, expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1)
    for row in picture.rows:
        word = row.standing.word
        table.add_row(row.step.title, Text(word, style=COLOURS.get(word, "")), _since(row, picture), row.standing.why)
    return table


def _since(row: Row, picture: Picture) -> str:
    if row.since is None or row.standing.word not in ("running", "waiting") or row.since > picture.now:
        return ""
    return _roughly(picture.now - row.since)


def _progress(picture: Picture) -> Table:
    assert picture.progress  # noqa: S101
    grid = Table.grid(padding=(0, 2))
    grid.add_row(
        picture.current,
        ProgressBar(total=picture.progress.total, completed=picture.progress.done, width=30),
        in_words(picture.progress, picture.seconds_left),
    )
    return grid


def in_words(progress: Progress, seconds_left: float | None) -> str:
    """As `120 of 250 steps, loss 1.234, 8,000 tokens a second, 3 min 5 s left`."""
    parts = [f"{progress.done:,} of {progress.total:,} {progress.what}"]
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.4f}")
    if progress.tokens_per_second is not None:
        parts.append(f"{progress.tokens_per_second:,.0f} tokens a second")
    if seconds_left is not None and progress.done < progress.total:
        parts.append(f"{_roughly(seconds_left)} left")
    return ", ".join(parts)


def _roughly(seconds: float) -> str:
    return duration(seconds) if seconds >= 59.5 else f"{seconds:.0f} s"


def _clean(line: str) -> str:
    """Without what would move a terminal's cursor: of a line that draws itself anew, the last drawing."""
    last = line.rstrip("\r").rpartition("\r")[2]
    return "".join(one for one in last if one.isprintable() or one == "\t")


def changes(before: Picture | None, now: Picture) -> Iterator[str]:
    """A line for each thing that is not as it was: steps, progress, the run itself, and what keeps it from view."""
    stood = {row.step.title: row.standing for row in before.rows} if before else {}
    for row in now.rows:
        if stood.get(row.step.title) != row.standing:
            yield f"{row.step.title}: {row.standing}"
    if now.progress and (before is None or (before.current, before.progress) != (now.current, now.progress)):
        yield f"{now.current}: {in_words(now.progress, now.seconds_left)}"
    if before is None or before.verdict != now.verdict:
        yield f"{now.recipe or 'run'}: {now.verdict.text}"
    if now.trouble and (before is None or before.trouble != now.trouble):
        yield f"no answer, trying again: {now.trouble}"


def say(console: Console, lines: Iterator[str]) -> None:
    for line in lines:
        console.print(_clean_block(line), markup=False, highlight=False, soft_wrap=True)


def _clean_block(text: str) -> str:
    return "\n".join(map(_clean, text.split("\n")))
