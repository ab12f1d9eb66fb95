"""Steps on this machine, where no image is needed: those of the real run, and those that only a rehearsal has."""

from dataclasses import replace

from ..programs.rehearsal.tiny import TINY
from .step import Arguments, Folder, Step, ThisMachine


def rehearsed(step: Step, minutes: float, processes: int = 1) -> Step:
    """`step` of the real run as it is here, where it takes `minutes`."""
    return replace(step, placement=ThisMachine(processes), launcher="local", image=None, minutes=minutes)


def only_here(*, name: str, program: str, arguments: Arguments, tuning: Arguments, minutes: float) -> Step:
    """A step that the real run does without."""
    return Step(
        name=name,
        program=program,
        arguments=arguments,
        tuning=tuning,
        placement=ThisMachine(),
        launcher="local",
        image=None,
        minutes=minutes,
        limit_hours=1,
    )


def tiny_or_name(name: str, step: str) -> Folder | str:
    """The model or tokenizer `name`; where it is the tiny one, the one that the step `step` makes."""
    return Folder(step, "model") if name == TINY else name
