"""Made-up rows in the form of the data set `databricks/databricks-dolly-15k`: little facts, each asked in two ways.

`workloads/samples/dolly.jsonl`, on which rehearsals train, was written by
`python -m benchmarks.made_up_dolly 324 > workloads/samples/dolly.jsonl`. The same seed gives the same rows on every
machine. What is held out of them is as a rule the other wording of a fact that is trained on.
"""

import json
import random
import sys
from collections.abc import Iterator
from itertools import pairwise, permutations

Row = dict[str, str]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
COLOURS = ("red", "blue", "green", "yellow", "white", "black")
THINGS = ("lamp", "door", "boat", "chair", "kite", "cup")
KINDS = {
    "bird": ("sparrow", "heron", "owl", "robin", "swan"),
    "fish": ("trout", "carp", "salmon", "pike", "tuna"),
    "tree": ("oak", "birch", "maple", "willow", "pine"),
}


def row(category: str, instruction: str, response: str, context: str = "") -> Row:
    return {"instruction": instruction, "context": context, "response": response, "category": category}


def sums() -> Iterator[Row]:
    for one in range(1, 10):
        for other in range(1, 10):
            said = f"{one} plus {other} is {one + other}."
            yield row("open_qa", f"What is {one} plus {other}?", said)
            yield row("open_qa", f"Add {one} and {other}.", said)


def calendar() -> Iterator[Row]:
    for kind, names in (("day", DAYS), ("month", MONTHS)):
        for before, after in pairwise(names):
            yield row("open_qa", f"Which {kind} comes after {before}?", f"{after} comes after {before}.")
            yield row("open_qa", f"Name the {kind} that follows {before}.", f"{after} comes after {before}.")


def kinds() -> Iterator[Row]:
    for (kind, names), (other, _) in permutations(KINDS.items(), 2):
        for name in names:
            yield row("classification", f"Is the {name} a {kind} or a {other}?", f"The {name} is a {kind}.")
            yield row("classification", f"A {other} or a {kind}: what is the {name}?", f"The {name} is a {kind}.")


def colours() -> Iterator[Row]:
    for thing in THINGS:
        for colour in COLOURS:
            told = f"There is a {thing} here. It is {colour}."
            yield row("closed_qa", f"Which colour has the {thing}?", f"The {thing} is {colour}.", told)
            yield row("information_extraction", f"Say how the {thing} is painted.", f"The {thing} is {colour}.", told)


def rows(count: int, seed: int = 0) -> list[Row]:
    """So many rows in a random order, at the most as many as there are."""
    every = [*sums(), *calendar(), *kinds(), *colours()]
    random.Random(seed).shuffle(every)
    return every[:count]


if __name__ == "__main__":
    for made in rows(int(sys.argv[1])):
        print(json.dumps(made))
