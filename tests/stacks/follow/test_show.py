"""What is shown: one frame that fits the terminal, or a line for each change and none where nothing changed."""

import itertools
from dataclasses import replace

from rich.console import Console

from stacks.follow.loop import LOOK_SECONDS, lines, pictures
from stacks.follow.picture import Heard, Moment, Picture, Sight, Verdict, picture
from stacks.follow.show import changes, frame
from tests.stacks.follow.test_picture import one, view
from tests.workloads.programs.run.world import PLAN, TRAIN
from workloads.programs.journal import Progress
from workloads.programs.run.api import UnreachableError
from workloads.programs.run.states import Phase

LINES = tuple(f"line {number}" for number in range(300))
MOMENT = Moment(0, Progress(20, 100, "steps", 2.5, 8000.0))


def sight(*lines: str, ok: bool | None = None, done: int = 20) -> Sight:
    told = Heard((Moment(0, replace(MOMENT.progress, done=10)), Moment(50, replace(MOMENT.progress, done=done))), lines)
    looked = view(one(TRAIN, Phase.RUNNING), done={"prepare"})
    return Sight("here", PLAN, replace(looked, now=50.0), Verdict("it goes on", ok), told)


def drawn(found: Picture, height: int = 40) -> str:
    console = Console(width=140, height=height, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(frame(found, height))
    return console.export_text()


def test_the_frame_has_steps_progress_and_the_last_lines_and_fits() -> None:
    text = drawn(picture(sight(*LINES)), height=24)
    for said in ("train-aaa", "running", "20 of 100 steps, loss 2.5000, 8,000 tokens a second", "left", "line 299"):
        assert said in text
    assert len(text.splitlines()) <= 24


def test_what_a_log_would_do_to_a_terminal_does_not_happen() -> None:
    found = picture(sight("10%\r50%\r100%", "\x1b[2Jgone [red]markup[/red]"))
    text = drawn(found)
    assert "100%" in text
    assert "50%" not in text
    assert "\x1b[2J" not in text
    assert "[red]markup[/red]" in text


def test_a_line_is_printed_for_a_change_and_none_without_one() -> None:
    first, second = picture(sight()), picture(sight(done=30))
    assert list(changes(first, first)) == []
    assert [line for line in changes(first, second) if not line.startswith("train: 30 of 100 steps")] == []
    assert "prepare-aaa: done" in list(changes(None, first))


class Script:
    """A source that gives what it was told to, one thing a look."""

    def __init__(self, *given: Sight | Exception):
        self._given = list(given)

    def look(self) -> Sight:
        now = self._given.pop(0)
        if isinstance(now, Exception):
            raise now
        return now


def test_an_api_server_that_goes_silent_is_told_of_and_asked_again() -> None:
    shown: list[Picture] = []
    source = Script(sight(), UnreachableError("no route"), sight(ok=True))
    last = pictures(source, shown.append, sleep=lambda _: None)
    assert [one.trouble for one in shown] == ["", "no route", ""]
    assert last.verdict.ok is True
    assert shown[1].rows == shown[0].rows


def test_looks_are_never_less_than_two_seconds_apart() -> None:
    now, looks = [0.0], list[float]()

    class Slow(Script):
        def look(self) -> Sight:
            looks.append(now[0])
            now[0] += 0.5 * len(looks)  # a look may also take longer than that
            return super().look()

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pictures(Slow(*[sight()] * 6, sight(ok=False)), lambda _: None, clock=lambda: now[0], sleep=sleep)
    assert min(after - before for before, after in itertools.pairwise(looks)) >= LOOK_SECONDS == 2.0


def test_without_a_terminal_the_end_is_the_last_line() -> None:
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    lines(Script(sight(ok=False)), console)
    assert console.export_text().splitlines()[-1] == "r: it goes on"
