"""What cannot work together, with the sums: shared by the recipes."""

from collections.abc import Mapping
from pathlib import Path

from ..programs.rehearsal.tiny import TINY
from .recipe import Fleet

SHARED = "/shared"
"""The shared volume, as pods see it."""

ROWS = (".jsonl", ".json")
"""How names of files with rows end."""


def told(problems: Mapping[str, str | None]) -> dict[str, str]:
    """Those of `problems`, by parameter, that there are."""
    return {name: problem for name, problem in problems.items() if problem}


def misfit_of_degree(degree: int, heads: int, fleet: Fleet | None) -> str | None:
    """What is wrong with a tensor-parallel degree: it divides the model's attention heads, and the NeuronCores."""
    if fleet is None:
        return misfit_of_degree_here(degree)
    cores = fleet.neuron_cores
    fitting = [str(one) for one in range(1, min(heads, cores) + 1) if heads % one == 0 and cores % one == 0]
    if heads % degree:
        return f"{degree} does not divide the model's {heads} attention heads. Allowed: {', '.join(fitting)}"
    if cores % degree:
        return f"{degree} does not divide {world_size(fleet)}. Allowed: {', '.join(fitting)}"
    return None


def misfit_of_degree_here(degree: int) -> str | None:
    """What is wrong with a tensor-parallel degree on this machine."""
    return None if degree == 1 else f"{degree} on a CPU, which has no NeuronCores; set 1"


def world_size(fleet: Fleet) -> str:
    """The sum behind the number of training processes."""
    return f"{fleet.nodes} × {fleet.instance.neuron_cores} = {fleet.neuron_cores} NeuronCores"


def misfit_of_batch(micro_batch: int, accumulation: int, degree: int, rows: int, fleet: Fleet) -> str | None:
    """What is wrong where a step reads more blocks than there can be: a block holds at least one whole row."""
    ranks = fleet.ranks(degree)
    batch = micro_batch * ranks * accumulation
    if batch <= rows:
        return None
    return (
        f"a step would read {micro_batch} (micro_batch) × {ranks} data-parallel ranks × {accumulation} (accumulation) "
        f"= {batch:,} blocks, and {rows:,} rows (train_rows) fill {rows:,} at the most; the ranks are "
        f"{world_size(fleet)} / {degree} (tensor_parallel_degree). Lower accumulation or micro_batch"
    )


def misfit_of_name(name: str, fleet: Fleet | None) -> str | None:
    """What is wrong with the name of a model or a tokenizer."""
    return None if fleet is None or name != TINY else f"{TINY} is for rehearsals alone: name one on the Hub"


def misfit_of_warmup(warmup: int, steps: int) -> str | None:
    """What is wrong with steps to warm up in; `steps` are 0 where epochs decide how many there are."""
    if not steps or warmup < steps:
        return None
    return f"{warmup} leaves none of the {steps} steps (max_steps) to train in"


def misfit_of_file(path: str, fleet: Fleet | None, suffixes: tuple[str, ...] = ROWS) -> str | None:
    """What is wrong with a data file: pods read just the shared volume, a rehearsal this machine."""
    if Path(path).suffix not in suffixes:
        return None
    if fleet is not None and not Path(path).is_relative_to(SHARED):
        return f"{path} is a file of this machine, which no pod can read. Put it under {SHARED}/data"
    if fleet is None and not Path(path).is_file():
        return f"there is no file {Path(path).absolute()}"
    return None
