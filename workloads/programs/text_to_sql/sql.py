"""Whether two queries mean the same: as text, and by what they return from tables made up for the purpose.

A row of the data set brings its tables as CREATE TABLE statements, but no data. So tables are made in SQLite's memory
and filled with made-up rows, among them rows that the reference answer's own conditions pick and rows that they just
miss. The two queries match when they return the same from each of several such databases. What a model wrote is not
trusted: it may only read, and is stopped when it takes too long.
"""

import random
import re
import sqlite3
from collections import Counter
from dataclasses import dataclass

DATABASES = 3
"""Made-up databases a pair of queries is tried on: one alone lets a wrong query agree by chance too often."""

ROWS = 24
"""Rows of each made-up table."""

STEPS = 5_000_000
"""SQLite virtual-machine instructions a query may take, about a second. A count, so that no verdict hangs on load."""

RESULT_ROWS = 10_000

WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven")

_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_REACHES_OUT = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}
"""What the data set's own statements may not do: touch a file."""

_CONDITION = re.compile(
    r"""(?P<column>\w+)["`\]]?\s*(?P<sign>=|==|<>|!=|>=|<=|>|<|LIKE)\s*(?P<value>"[^"]*"|'[^']*'|-?\d+(?:\.\d+)?)""",
    re.IGNORECASE,
)


def extract(text: str) -> str:
    """The query in what a model wrote: without a code fence, up to the first semicolon, on one line."""
    fenced = re.search(r"```(?:sql)?\s*(.*?)(?:```|$)", text, re.DOTALL | re.IGNORECASE)
    query = (fenced.group(1) if fenced else text).split(";")[0]
    return " ".join(query.split())


def same_text(expected: str, query: str) -> bool:
    """Equal but for white space, a closing semicolon, and upper or lower case outside quotes."""
    return _plain(expected) == _plain(query)


def _plain(query: str) -> list[str]:
    parts = re.split(r"""("[^"]*"|'[^']*')""", extract(query))
    return [part if part[:1] in ("'", '"') else "".join(part.split()).lower() for part in parts]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`usable` is False where the reference itself does not run, so that no answer could be judged by it."""

    usable: bool
    match: bool
    error: str = ""


def same_results(context: str, expected: str, query: str) -> Verdict:
    """Whether `query` returns from every made-up database of `context` what `expected` returns."""
    for seed in range(DATABASES):
        try:
            database = make_database(context, expected, seed)
            reference = _run(database, expected)
        except sqlite3.Error as error:
            return Verdict(usable=False, match=False, error=str(error))
        try:
            result = _run(database, extract(query))
        except sqlite3.Error as error:
            return Verdict(usable=True, match=False, error=str(error))
        finally:
            database.close()
        if not _equal(reference, result, ordered="order by" in expected.lower()):
            return Verdict(usable=True, match=False)
    return Verdict(usable=True, match=True)


Table = list[tuple[object, ...]]


def _equal(expected: Table, result: Table, ordered: bool) -> bool:
    """The same rows as often; in the same order only where the reference asks for one."""
    if ordered:
        return expected == result
    return Counter(expected) == Counter(result)


def make_database(context: str, expected: str, seed: int) -> sqlite3.Connection:
    """A database in memory with the tables of `context`, filled for `expected`, and from then on only to be read."""
    database = sqlite3.connect(":memory:")
    database.set_authorizer(lambda action, *_: sqlite3.SQLITE_DENY if action in _REACHES_OUT else sqlite3.SQLITE_OK)
    database.executescript(context)
    rng = random.Random(f"{seed} {context}")  # noqa: S311 made-up rows are no secret
    conditions = [found.groupdict() for found in _CONDITION.finditer(expected)]
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    for (table,) in tables:
        columns = [(row[1], row[2]) for row in database.execute(f"PRAGMA table_info({_quoted(table)})")]
        marks = ", ".join("?" * len(columns))
        rows = [[_value(name, kind, conditions, row, rng) for name, kind in columns] for row in range(ROWS)]
        insert = f"INSERT OR IGNORE INTO {_quoted(table)} VALUES ({marks})"  # noqa: S608 the name is quoted
        database.executemany(insert, rows)
    database.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)
    return database


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value(column: str, kind: str, conditions: list[dict[str, str]], row: int, rng: random.Random) -> object:
    """One made-up value. The first quarter of the rows meets every condition at once, the others each at even odds.

    A number that meets none is often the condition's own or next to it, to tell > from >=.
    """
    mine = [condition for condition in conditions if condition["column"].lower() == column.lower()]
    if mine and (row < ROWS // 4 or rng.random() < 0.5):
        return _meeting(rng.choice(mine))
    if re.search("INT|REAL|FLOA|DOUB|NUM|DEC", kind, re.IGNORECASE):
        near = [int(float(value)) for c in mine if (value := c["value"]).replace(".", "", 1).lstrip("-").isdigit()]
        return (rng.choice(near) if near else 50) + rng.choice((0, 1, -1, rng.randint(-40, 40)))
    return f"{rng.choice(WORDS)} {rng.randint(1, 9)}"


def _meeting(condition: dict[str, str]) -> object:
    """A value that meets `condition`."""
    value, sign = condition["value"], condition["sign"].upper()
    if value[0] in "\"'":
        text = value[1:-1]
        return (
            text.replace("%", "x").replace("_", "x") if sign == "LIKE" else text + ("x" if sign in ("<>", "!=") else "")
        )
    number = float(value) if "." in value else int(value)
    return number + {">": 1, "<": -1, "<>": 1, "!=": 1}.get(sign, 0)


def _run(database: sqlite3.Connection, query: str) -> Table:
    """What `query` returns; sqlite3.Error when it fails, does more than read, runs too long or returns too much."""
    left = iter(range(STEPS // 1000))
    database.set_progress_handler(lambda: next(left, None) is None, 1000)
    try:
        rows = database.execute(query).fetchmany(RESULT_ROWS + 1)
    except sqlite3.Warning as warning:  # several statements at once, before Python 3.11
        raise sqlite3.ProgrammingError(str(warning)) from None
    finally:
        database.set_progress_handler(None, 0)
    if len(rows) > RESULT_ROWS:
        raise sqlite3.DataError(f"more than {RESULT_ROWS:,} rows")
    return rows
