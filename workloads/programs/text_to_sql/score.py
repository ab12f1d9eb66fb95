"""How good a model's answers are, row by row and in all, and the report that people read."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from . import sql
from .rows import Row

MEASURES = (("exact match", "exact_match"), ("execution match", "execution_match"))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer judged. `executes_alike` is None where the reference itself does not run on made-up tables."""

    text: str
    exact: bool
    executes_alike: bool | None
    error: str


@dataclass(frozen=True, slots=True)
class Score:
    """Shares between 0 and 1; `execution_match` is over the `executable` rows, those whose reference runs."""

    rows: int
    executable: int
    exact_match: float
    execution_match: float


def judge(row: Row, text: str) -> Answer:
    verdict = sql.same_results(row["context"], row["answer"], text)
    return Answer(
        text=sql.extract(text),
        exact=sql.same_text(row["answer"], text),
        executes_alike=verdict.match if verdict.usable else None,
        error=verdict.error,
    )


def score(answers: Sequence[Answer]) -> Score:
    judged = [answer.executes_alike for answer in answers if answer.executes_alike is not None]
    return Score(
        rows=len(answers),
        executable=len(judged),
        exact_match=sum(answer.exact for answer in answers) / len(answers),
        execution_match=sum(judged) / max(1, len(judged)),
    )


def report(rows: Sequence[Row], base: Sequence[Answer], tuned: Sequence[Answer]) -> dict[str, Any]:
    """The whole report as plain values: scores of both models, then every row with both answers."""
    details = [
        {**row, "base": asdict(before), "tuned": asdict(after)}
        for row, before, after in zip(rows, base, tuned, strict=True)
    ]
    return {"base": asdict(score(base)), "tuned": asdict(score(tuned)), "rows": details}


def in_words(report: dict[str, Any]) -> str:
    """The scores in one line."""
    base, tuned = report["base"], report["tuned"]
    both = [f"{label} {base[key]:.0%} → {tuned[key]:.0%}" for label, key in MEASURES]
    return ", ".join(both) + f" over {base['rows']} held-out rows"


def as_text(report: dict[str, Any], examples: int) -> str:
    """The report as Markdown: a table of scores, then the first `examples` rows in full."""
    lines = ["| | base | tuned |", "|---|---:|---:|"]
    for label, key in MEASURES:
        lines.append(f"| {label} | {report['base'][key]:.1%} | {report['tuned'][key]:.1%} |")
    base = report["base"]
    lines += [
        "",
        f"Over {base['rows']} held-out rows, of which {base['executable']} have a reference that runs in SQLite.",
    ]
    for row in report["rows"][:examples]:
        lines += ["", f"**{row['question']}** — `{row['context']}`", "", f"- reference: `{row['answer']}`"]
        lines += [f"- {name}: `{row[name]['text']}` {_verdict(row[name])}" for name in ("base", "tuned")]
    return "\n".join(lines) + "\n"


def _verdict(answer: dict[str, Any]) -> str:
    if answer["exact"]:
        return "(the same)"
    alike = answer["executes_alike"]
    return "(not judged)" if alike is None else "(returns the same)" if alike else "(wrong)"
