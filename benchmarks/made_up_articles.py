"""Made-up articles of plain text: short encyclopedia entries about towns, rivers, bridges and trains that do not exist.

`workloads/samples/articles.jsonl`, on which a pretraining is rehearsed, was written by
`python -m benchmarks.made_up_articles 420 > workloads/samples/articles.jsonl`; the benchmarks make as many as they
need. The same seed gives the same articles on every machine.
"""

import json
import random
import sys
from collections.abc import Iterator

BEGINNINGS = ("Al", "Bren", "Cor", "Dal", "Esk", "Fen", "Gol", "Hal", "Ils", "Kar", "Lom", "Mar", "Nor", "Os", "Pel")
ENDINGS = ("berg", "dale", "ford", "haven", "mouth", "stead", "ton", "vik", "wick", "worth")
GOODS = ("wool", "copper", "salt", "timber", "glass", "paper", "grain", "wine")
TRADES = ("weavers", "fishers", "millers", "printers", "shipwrights", "clockmakers")
SIGHTS = ("a stone bridge", "an old mill", "a market hall", "a lighthouse", "a bell tower", "a botanical garden")
DIRECTIONS = ("north", "south", "east", "west")
SEASONS = ("spring", "summer", "autumn", "winter")


def articles(count: int, seed: int = 7) -> Iterator[dict[str, str]]:
    """`count` articles with a title and a text of some 600 characters, no two alike."""
    rng = random.Random(seed)
    for number in range(count):
        write = (_town, _river, _line)[number % 3]
        title, sentences = write(rng)
        yield {"title": title, "text": f"{title}\n\n" + "\n\n".join(sentences) + "\n"}


def _name(rng: random.Random) -> str:
    return rng.choice(BEGINNINGS) + rng.choice(ENDINGS)


def _town(rng: random.Random) -> tuple[str, list[str]]:
    name, river, year = _name(rng), _name(rng), rng.randint(1050, 1890)
    goods, more = rng.sample(GOODS, 2)
    people = rng.randint(2, 90) * 1000
    return name, [
        f"{name} is a town on the river {river}. It was founded in {year} by {rng.choice(TRADES)} who came from "
        f"the {rng.choice(DIRECTIONS)}, and has about {people:,} inhabitants.",
        f"For a long time the town lived on trade in {goods} and {more}. The market is held every "
        f"{rng.choice(SEASONS)}, and draws visitors from {_name(rng)} and {_name(rng)}.",
        f"The best known sight of {name} is {rng.choice(SIGHTS)}, which was built in {year + rng.randint(20, 99)}. "
        f"A railway line leads from {name} to {_name(rng)}, {rng.randint(8, 140)} kilometres to the "
        f"{rng.choice(DIRECTIONS)}.",
    ]


def _river(rng: random.Random) -> tuple[str, list[str]]:
    name, mouth = _name(rng), _name(rng)
    return f"{name} (river)", [
        f"The {name} is a river of {rng.randint(30, 620)} kilometres. It rises near {_name(rng)}, flows "
        f"{rng.choice(DIRECTIONS)} past {_name(rng)} and {_name(rng)}, and reaches the sea at {mouth}.",
        f"In {rng.choice(SEASONS)} the river carries {rng.randint(20, 900)} cubic metres of water a second. Boats with "
        f"{rng.choice(GOODS)} went up the {name} until {rng.randint(1860, 1960)}, when the railway took over.",
        f"The towns along the {name} are known for their {rng.choice(TRADES)}. Near {mouth} stands "
        f"{rng.choice(SIGHTS)}, from which one can see the river as far as {_name(rng)}.",
    ]


def _line(rng: random.Random) -> tuple[str, list[str]]:
    one, other, year = _name(rng), _name(rng), rng.randint(1840, 1920)
    return f"{one} to {other} line", [
        f"The {one} to {other} line is a railway of {rng.randint(12, 260)} kilometres. It was opened in {year} to "
        f"carry {rng.choice(GOODS)} and {rng.choice(GOODS)}, and has taken passengers since "
        f"{year + rng.randint(1, 30)}.",
        f"The line crosses the {_name(rng)} on {rng.choice(SIGHTS)} and climbs {rng.randint(80, 900)} metres. There "
        f"are {rng.randint(3, 24)} stations, the largest of them {_name(rng)}.",
        f"In {rng.choice(SEASONS)} the trains run every {rng.randint(2, 12) * 5} minutes. The journey from {one} to "
        f"{other} takes {rng.randint(14, 190)} minutes.",
    ]


if __name__ == "__main__":
    for article in articles(int(sys.argv[1])):
        print(json.dumps(article))
