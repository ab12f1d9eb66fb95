"""What a check found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` says what is there, or what is wrong; then `mend` is the command that mends it, where there is one."""

    check: str
    ok: bool
    text: str
    mend: str | None = None


def ok(check: str, text: str) -> Finding:
    return Finding(check, True, text)


def wrong(check: str, text: str, mend: str | None = None) -> Finding:
    return Finding(check, False, text, mend)
