"""Low-rank adapters that teach Llama 3 8B to write SQL: the recipes of seed guides 000 and 004, with shared programs.

Numbers not explained here are the guides' own. Where they were mended, docs/recipes/text-to-sql.md says how.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, PositiveFloat, PositiveInt

from .recipe import Fleet, Parameters, Recipe
from .step import Arguments, File, Folder, Image, Neuron, Processor, Step, ThisMachine, Value

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "text_to_sql.jsonl"
"""The project's own rows in the real data set's form, for rehearsals and tests without a network."""

TINY = "tiny"
"""In place of a model's name: the tiny Llama that a rehearsal makes for itself."""

IMAGE = Image(
    "public.ecr.aws/neuron/pytorch-training-neuronx:2.8.0-neuronx-py311-sdk2.26.1-ubuntu22.04",
    ("optimum-neuron[training]==0.4.5", "datasets==4.8.5", "tensorboard==2.20.0"),
)

HEADS = 32
"""Attention heads of Llama 3 8B, which its tensor-parallel degree must divide."""

SHARED = "/shared"
"""The shared volume, as pods see it."""

Projection = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
PROJECTIONS: tuple[Projection, ...] = get_args(Projection)
"""A Llama's projections that can have an adapter."""

Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=0)]


class TextToSql(Parameters):
    """Parameters of the real run, on Trainium."""

    model: str = "meta-llama/Meta-Llama-3-8B"
    model_revision: str = "main"
    tokenizer: str = "meta-llama/Meta-Llama-3-8B-Instruct"
    tokenizer_revision: str = "main"
    dataset: str = "b-mc2/sql-create-context"
    dataset_revision: str = "main"
    train_rows: PositiveInt = 50_000
    eval_rows: PositiveInt = 500
    shuffle_seed: Count = 23
    block_size: PositiveInt = 1024
    tensor_parallel_degree: PositiveInt = 8
    precision: Literal["bf16", "fp32"] = "bf16"
    lora_rank: PositiveInt = 8
    lora_alpha: PositiveInt = 64
    lora_dropout: Share = 0.05
    lora_rank_stabilized: bool = True
    lora_targets: tuple[Projection, ...] = PROJECTIONS
    max_steps: PositiveInt = 250
    micro_batch: PositiveInt = 8
    accumulation: PositiveInt = 1
    learning_rate: PositiveFloat = 1e-5
    warmup_steps: Count = 0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: PositiveFloat = 1.0
    seed: Count = 42
    gradient_checkpointing: bool = True
    log_every: PositiveInt = 10
    eval_every: PositiveInt = 50
    checkpoint_every: PositiveInt = 50
    keep_checkpoints: PositiveInt = 2
    prepare_processes: Count = 0
    test_rows: PositiveInt = 100
    """Asked of both models. At 8 billion weights a forward pass reads 16 GB, which 32 vCPUs do in about 0.2 s; 100 rows
    in batches of 8 are 13 batches × 2 models × 65 passes or so: 6 minutes, and as much again to read the prompts."""
    test_batch: PositiveInt = 8
    test_max_new_tokens: PositiveInt = 128
    test_examples: Count = 10

    def uses_token(self) -> bool:
        return any(name.startswith("meta-llama/") for name in (self.model, self.tokenizer))

    def misfits(self, fleet: Fleet | None) -> dict[str, str]:
        found = _misfits_of_data(self.dataset, fleet)
        if self.warmup_steps >= self.max_steps:
            found["warmup_steps"] = (
                f"{self.warmup_steps} leaves none of the {self.max_steps} steps (max_steps) to train in"
            )
        if fleet is None:
            if self.tensor_parallel_degree != 1:
                found["tensor_parallel_degree"] = (
                    f"{self.tensor_parallel_degree} on a CPU, which has no NeuronCores; set 1"
                )
            return found
        if set(self.lora_targets) != set(PROJECTIONS):
            found["lora_targets"] = f"optimum-neuron 0.4.5 consolidates no fewer than all of {', '.join(PROJECTIONS)}"
        problem = _misfit_of_degree(self.tensor_parallel_degree, fleet)
        return {**found, **({"tensor_parallel_degree": problem} if problem else {})}


def _misfit_of_degree(degree: int, fleet: Fleet) -> str | None:
    cores = fleet.neuron_cores
    fitting = [str(one) for one in range(1, min(HEADS, cores) + 1) if HEADS % one == 0 and cores % one == 0]
    if HEADS % degree:
        return f"{degree} does not divide the model's {HEADS} attention heads. Allowed: {', '.join(fitting)}"
    if cores % degree:
        sum_ = f"{fleet.nodes} × {fleet.instance.neuron_cores} = {cores} NeuronCores"
        return f"{degree} does not divide {sum_}. Allowed: {', '.join(fitting)}"
    return None


def _misfits_of_data(dataset: str, fleet: Fleet | None) -> dict[str, str]:
    path = Path(dataset)
    if path.suffix not in (".jsonl", ".json"):
        return {}
    if fleet is not None and not path.is_relative_to(SHARED):
        return {"dataset": f"{dataset} is a file of this machine, which no pod can read. Put it under {SHARED}/data"}
    if fleet is None and not path.is_file():
        return {"dataset": f"there is no file {path.absolute()}"}
    return {}


class TextToSqlRehearsal(TextToSql):
    """The same on this machine's CPU: a tiny Llama of its own making, the project's own rows, a minute of training."""

    model: str = TINY
    tokenizer: str = TINY
    dataset: str = str(SAMPLE)
    train_rows: PositiveInt = 50_000
    eval_rows: PositiveInt = 64
    block_size: PositiveInt = 256
    tensor_parallel_degree: PositiveInt = 1
    precision: Literal["bf16", "fp32"] = "fp32"
    max_steps: PositiveInt = 300
    micro_batch: PositiveInt = 4
    learning_rate: PositiveFloat = 4e-3
    warmup_steps: Count = 10
    gradient_checkpointing: bool = False
    eval_every: PositiveInt = 25
    test_rows: PositiveInt = 64
    test_batch: PositiveInt = 16
    test_max_new_tokens: PositiveInt = 48
    base_vocabulary: Annotated[int, Field(ge=300)] = 768
    base_steps: PositiveInt = 500
    base_learning_rate: PositiveFloat = 4e-3


def steps(parameters: TextToSql, fleet: Fleet | None) -> tuple[Step, ...]:
    """prepare, train, consolidate, test; in a rehearsal with the tiny model, base before them."""
    real = (_prepare(parameters), _train(parameters, fleet), _consolidate(parameters), _test(parameters))
    if fleet is not None:
        return real
    here = tuple(
        replace(step, placement=ThisMachine(), launcher="local", image=None, minutes=REHEARSAL_MINUTES[step.name])
        for step in real
    )
    if isinstance(parameters, TextToSqlRehearsal) and TINY in (parameters.model, parameters.tokenizer):
        return (_base(parameters), *here)
    return here


REHEARSAL_MINUTES = {"prepare": 0.1, "train": 0.6, "consolidate": 0.1, "test": 0.1}
"""Measured on two cores; `make bench` shows today's."""


def _base(parameters: TextToSqlRehearsal) -> Step:
    return Step(
        name="base",
        program="programs.text_to_sql.base",
        arguments={
            **_rows(parameters),
            "vocabulary": parameters.base_vocabulary,
            "steps": parameters.base_steps,
            "micro_batch": parameters.micro_batch,
            "learning_rate": parameters.base_learning_rate,
            "seed": parameters.seed,
        },
        tuning={},
        placement=ThisMachine(),
        launcher="local",
        image=None,
        minutes=0.6,
        limit_hours=1,
    )


def _prepare(parameters: TextToSql) -> Step:
    """On a processor, not on a node of $21.50 an hour: it needs the tokenizer, and no device."""
    return Step(
        name="prepare",
        program="programs.text_to_sql.prepare",
        arguments={
            **_rows(parameters),
            "tokenizer": _source(parameters.tokenizer),
            "tokenizer_revision": parameters.tokenizer_revision,
        },
        tuning={"processes": parameters.prepare_processes},
        placement=Processor(vcpus=8, memory=24),
        launcher="job",
        image=IMAGE,
        minutes=3,
        limit_hours=1,
        needs_token=parameters.uses_token(),
    )


TRAIN_ARGUMENTS = {
    *("tensor_parallel_degree", "precision", "lora_rank", "lora_alpha", "lora_dropout", "lora_rank_stabilized"),
    *("lora_targets", "max_steps", "micro_batch", "accumulation", "learning_rate", "warmup_steps", "weight_decay"),
    *("max_grad_norm", "seed"),
}
TRAIN_TUNING = {"gradient_checkpointing", "log_every", "eval_every", "checkpoint_every", "keep_checkpoints"}


def _train(parameters: TextToSql, fleet: Fleet | None) -> Step:
    """8.2 million tokens take 11 minutes at a fifth of a trn1.32xlarge's peak: 6 × 8e9 operations a token, 3 petaflops.

    Loading the model and compiling just in time take most of the hour.
    """
    return Step(
        name="train",
        program="programs.text_to_sql.train",
        arguments={
            "data": Folder("prepare"),
            **_model(parameters),
            "backend": "neuron" if fleet else "cpu",
            **parameters.model_dump(include=TRAIN_ARGUMENTS),
        },
        tuning=parameters.model_dump(include=TRAIN_TUNING),
        placement=Neuron(fleet.instance, fleet.nodes, fleet.efa) if fleet else ThisMachine(),
        launcher="job",
        image=IMAGE,
        minutes=60,
        limit_hours=6,
        needs_token=parameters.uses_token(),
    )


def _consolidate(parameters: TextToSql) -> Step:
    return Step(
        name="consolidate",
        program="programs.text_to_sql.consolidate",
        arguments={
            "train": Folder("train"),
            "data": Folder("prepare"),
            **_model(parameters),
            "precision": parameters.precision,
        },
        tuning={},
        placement=Processor(vcpus=8, memory=100),
        launcher="job",
        image=IMAGE,
        minutes=10,
        limit_hours=2,
        needs_token=parameters.uses_token(),
    )


def _test(parameters: TextToSql) -> Step:
    return Step(
        name="test",
        program="programs.text_to_sql.test",
        arguments={
            "data": Folder("prepare"),
            "tuned": Folder("consolidate"),
            **_model(parameters),
            "precision": parameters.precision,
            "rows": parameters.test_rows,
            "max_new_tokens": parameters.test_max_new_tokens,
            "batch": parameters.test_batch,
        },
        tuning={"examples": parameters.test_examples},
        placement=Processor(vcpus=32, memory=100),
        launcher="job",
        image=IMAGE,
        minutes=25,
        limit_hours=2,
        needs_token=parameters.uses_token(),
    )


def _source(name: str) -> Value:
    """A model or tokenizer: the tiny one from its step, any other by its name."""
    return Folder("base", "model") if name == TINY else name


def _model(parameters: TextToSql) -> Arguments:
    return {"model": _source(parameters.model), "model_revision": parameters.model_revision}


def _rows(parameters: TextToSql) -> Arguments:
    path = Path(parameters.dataset)
    return {
        "dataset": File(path.absolute()) if path.is_file() else parameters.dataset,
        "dataset_revision": parameters.dataset_revision,
        **parameters.model_dump(include={"train_rows", "eval_rows", "shuffle_seed", "block_size"}),
    }


_BIG = ("trn1.32xlarge", "trn1n.32xlarge", "trn2.48xlarge")

LORA = Recipe(
    name="llama3-8b-lora",
    summary="Llama 3 8B learns to write SQL by low-rank adapters, with a workbench for those who go on by hand",
    seed_guide="000",
    parameters=TextToSql,
    rehearsal=TextToSqlRehearsal,
    instances=_BIG,
    most_nodes=4,
    results={
        "model": Folder("consolidate", "model"),
        "report": Folder("test", "report.md"),
        "tensorboard": Folder("train", "tensorboard"),
    },
    steps=steps,
)

TEXT_TO_SQL = replace(
    LORA,
    name="llama3-8b-text-to-sql",
    summary="Llama 3 8B learns to write SQL by low-rank adapters, from data to a tested model without a hand on it",
    seed_guide="004",
)
