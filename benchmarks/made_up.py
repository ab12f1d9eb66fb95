"""Made-up rows in the form of the data set `b-mc2/sql-create-context`: a question, its tables, the SQL that answers.

`workloads/samples/text_to_sql.jsonl`, on which rehearsals train, was written by
`python -m benchmarks.made_up 900 > workloads/samples/text_to_sql.jsonl`; the benchmarks make as many rows as the real
data set has. The same seed gives the same rows on every machine.
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """One made-up table, whose name is also the word for one of its rows.

    `words` maps a text column to the values that it may hold, `numbers` a column to its range.
    """

    name: str
    many: str
    words: dict[str, tuple[str, ...]]
    numbers: dict[str, tuple[int, int]]


CITIES = ("Lyon", "Oslo", "Quito", "Kyoto", "Accra", "Perth", "Turin", "Izmir")
COUNTRIES = ("France", "Norway", "Ecuador", "Japan", "Ghana", "Australia", "Italy", "Turkey")
PEOPLE = ("Ada Brook", "Ben Okoro", "Chi Tanaka", "Dora Weiss", "Eli Haddad", "Fay Lund", "Gus Moreau", "Hana Silva")

TABLES = (
    Table(
        "train",
        "trains",
        {
            "name": ("Comet", "Heron", "Meteor", "Willow", "Falcon"),
            "origin": CITIES,
            "operator": ("Nordline", "Viabel", "Sudrail"),
        },
        {"wagons": (3, 24), "top_speed": (80, 320)},
    ),
    Table(
        "driver",
        "drivers",
        {"name": PEOPLE, "home_town": CITIES, "nationality": COUNTRIES},
        {"age": (21, 64), "salary": (2000, 9000)},
    ),
    Table(
        "museum",
        "museums",
        {
            "name": ("Old Mill", "Glass Hall", "Sea House", "Clock Tower"),
            "city": CITIES,
            "topic": ("art", "science", "history", "music"),
        },
        {"visitors": (500, 90000), "opened": (1850, 2020)},
    ),
    Table(
        "player",
        "players",
        {
            "name": PEOPLE,
            "team": ("Wolves", "Comets", "Harbour", "Rovers"),
            "position": ("guard", "wing", "keeper", "centre"),
        },
        {"goals": (0, 40), "height": (160, 210)},
    ),
    Table(
        "book",
        "books",
        {
            "title": ("Red Sand", "The Long Ferry", "Paper Moons", "Winter Bread"),
            "author": PEOPLE,
            "genre": ("crime", "poetry", "travel", "fantasy"),
        },
        {"pages": (60, 900), "copies_sold": (100, 50000)},
    ),
    Table(
        "ship",
        "ships",
        {"name": ("Aurora", "Kestrel", "Pelican", "Tempest", "Marlin"), "flag": COUNTRIES, "home_port": CITIES},
        {"tonnage": (300, 80000), "built": (1950, 2024)},
    ),
    Table(
        "course",
        "courses",
        {
            "title": ("Botany", "Optics", "Logic", "Drawing", "Statics"),
            "teacher": PEOPLE,
            "department": ("science", "arts", "engineering"),
        },
        {"credits": (1, 12), "students": (5, 300)},
    ),
    Table(
        "restaurant",
        "restaurants",
        {
            "name": ("Blue Spoon", "Corner Oven", "Green Fork", "Salt Barn"),
            "city": CITIES,
            "cuisine": ("thai", "greek", "peruvian", "vegan"),
        },
        {"seats": (10, 200), "price": (8, 120)},
    ),
)


AMOUNTS = 6
"""How many different numbers a column is compared with: few enough for a tiny model to learn each as a word."""

SHAPES = (
    ("How many {many} are there?", "SELECT COUNT(*) FROM {table}", ("first",)),
    (
        "How many {many} have {say_number} {above} {amount}?",
        "SELECT COUNT(*) FROM {table} WHERE {number} {sign} {amount}",
        ("number",),
    ),
    (
        "How many {many} have {say_word} {value}?",
        'SELECT COUNT(*) FROM {table} WHERE {word} = "{value}"',
        ("word",),
    ),
    (
        "What is the {say_number} of the {one} with {say_word} {value}?",
        'SELECT {number} FROM {table} WHERE {word} = "{value}"',
        ("number", "word"),
    ),
    (
        "What is the {highest} {say_number} of all {many}?",
        "SELECT {function}({number}) FROM {table}",
        ("number",),
    ),
    (
        "What is the average {say_number} of {many} with {say_word} {value}?",
        'SELECT AVG({number}) FROM {table} WHERE {word} = "{value}"',
        ("number", "word"),
    ),
    (
        "List the {say_first} of all {many} by {say_number}, {highest} first.",
        "SELECT {first} FROM {table} ORDER BY {number}{order}",
        ("first", "number"),
    ),
    (
        "Give the {say_first} of the {one} with the {highest} {say_number}.",
        "SELECT {first} FROM {table} ORDER BY {number}{order} LIMIT 1",
        ("first", "number"),
    ),
    (
        "What are the different values of {say_word} among the {many}?",
        "SELECT DISTINCT {word} FROM {table}",
        ("word",),
    ),
    (
        "For each {say_word}, how many {many} are there?",
        "SELECT {word}, COUNT(*) FROM {table} GROUP BY {word}",
        ("word",),
    ),
    (
        "Show the {say_first} of {many} with {say_word} {value} and {say_number} {above} {amount}.",
        'SELECT {first} FROM {table} WHERE {word} = "{value}" AND {number} {sign} {amount}',
        ("first", "word", "number"),
    ),
)
"""Forms of question and answer, with the columns that each speaks of: all that a row's CREATE TABLE has."""

HIGH = {"above": "above", "sign": ">", "highest": "highest", "function": "MAX", "order": " DESC"}
LOW = {"above": "below", "sign": "<", "highest": "lowest", "function": "MIN", "order": ""}


def _words(table: Table, rng: random.Random) -> dict[str, str]:
    """One random choice of columns and values of `table`, as the shapes name them."""
    first, word = rng.sample(sorted(table.words), 2)
    number = rng.choice(sorted(table.numbers))
    low, high = table.numbers[number]
    amount = low + (high - low) * rng.randint(1, AMOUNTS) // (AMOUNTS + 1)
    columns = {"first": first, "word": word, "number": number}
    said = {f"say_{role}": column.replace("_", " ") for role, column in columns.items()}
    value = rng.choice(table.words[word])
    named = {"table": table.name, "one": table.name, "many": table.many, "value": value, "amount": str(amount)}
    return {**columns, **said, **named, **rng.choice((HIGH, LOW))}


def _create(table: Table, columns: Sequence[str]) -> str:
    """The CREATE TABLE of just the columns used, as in the real data set."""
    kinds = ", ".join(f"{column} {'VARCHAR' if column in table.words else 'INTEGER'}" for column in columns)
    return f"CREATE TABLE {table.name} ({kinds})"


def rows(count: int, seed: int = 0) -> Iterator[Row]:
    """`count` rows with the data set's three fields: question, context (CREATE TABLE), answer (SQL)."""
    rng = random.Random(seed)
    for _ in range(count):
        table = rng.choice(TABLES)
        words = _words(table, rng)
        question, answer, columns = rng.choice(SHAPES)
        yield {
            "question": question.format_map(words),
            "context": _create(table, [words[role] for role in columns]),
            "answer": answer.format_map(words),
        }


def different_rows(count: int, seed: int = 0) -> list[Row]:
    """The first `count` rows that are none the same as another."""
    made: dict[str, Row] = {}
    for row in rows(count * 20, seed):
        made.setdefault(json.dumps(row), row)
        if len(made) == count:
            break
    return list(made.values())


def main() -> None:
    for row in different_rows(int(sys.argv[1])):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
