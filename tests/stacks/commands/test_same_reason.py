"""What fails for one reason is told once, with the command that mends it, by preflight and by leftovers."""

import io

from rich.console import Console

from stacks.commands.leftovers import show as show_leftovers
from stacks.commands.preflight import show as show_preflight
from stacks.leftovers.search import Searched, Unknown
from stacks.preflight.finding import ok, wrong

WHY, MEND = "there are no credentials", "aws sso login"


def console() -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    return Console(file=written, width=80), written


def test_preflight_tells_the_reason_and_the_remedy_at_the_first_check_alone() -> None:
    screen, written = console()
    found = [wrong("identity", WHY, MEND), ok("names", "none"), wrong("zones", WHY, MEND), wrong("aws", "old", MEND)]
    show_preflight(found, screen)
    assert written.getvalue().splitlines() == [
        "wrong identity  there are no credentials",
        "                aws sso login",
        "ok    names     none",
        "wrong zones     the same",
        "wrong aws       old",
        "                aws sso login",
        "",
        "3 of 4 checks failed.",
    ]


def test_preflight_repeats_what_is_well() -> None:
    screen, written = console()
    show_preflight([ok("a", "there"), ok("b", "there")], screen)
    assert written.getvalue().count("there") == 2


def test_leftovers_names_together_the_kinds_that_it_could_not_look_at_for_one_reason() -> None:
    screen, written = console()
    unknown = (Unknown("volume", WHY, MEND), Unknown("role", "denied", None), Unknown("bucket", WHY, MEND))
    show_leftovers("dev", Searched((), (), unknown), screen)
    assert written.getvalue().splitlines() == [
        "not known  volume, bucket: there are no credentials",
        "    aws sso login",
        "not known  role: denied",
        "",
        "Whether anything is left is not known.",
    ]
