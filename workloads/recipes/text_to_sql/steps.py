"""The steps of the text-to-SQL recipes, from their parameters and the nodes to train on."""

import math

from ...programs.rehearsal.tiny import TINY
from .. import estimating
from ..compiling import compile_step
from ..images import NEURON_TRAINING
from ..recipe import Fleet
from ..rehearsing import only_here, rehearsed, tiny_or_name
from ..step import Arguments, Folder, Processor, Step, file_or_name
from ..training import train_step
from .parameters import TextToSql, TextToSqlRehearsal


def steps(parameters: TextToSql, fleet: Fleet | None) -> tuple[Step, ...]:
    """prepare, compile, train, consolidate, test; a rehearsal has none to compile, and base before them where the model
    is the tiny one."""
    train = _train(parameters, fleet)
    real = (_prepare(parameters), train, _consolidate(parameters), _test(parameters))
    if fleet is not None:
        return (real[0], compile_step(train), *real[1:])
    here = tuple(rehearsed(step, REHEARSAL_MINUTES[step.name]) for step in real)
    if isinstance(parameters, TextToSqlRehearsal) and TINY in (parameters.model, parameters.tokenizer):
        return (_base(parameters), *here)
    return here


REHEARSAL_MINUTES = {"prepare": 0.1, "train": 0.6, "consolidate": 0.1, "test": 0.1}
"""Measured on two cores; `make bench` shows today's."""


def _base(parameters: TextToSqlRehearsal) -> Step:
    return only_here(
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
        minutes=0.6,
    )


ROWS_A_MINUTE = 25_000
"""That are rendered and tokenized; an estimate."""


def _prepare(parameters: TextToSql) -> Step:
    """On a processor, not on a node of $21.50 an hour: it needs the tokenizer, and no device."""
    minutes = 1 + (parameters.train_rows + parameters.eval_rows) / ROWS_A_MINUTE
    return Step(
        name="prepare",
        program="programs.text_to_sql.prepare",
        arguments={
            **_rows(parameters),
            "tokenizer": tiny_or_name(parameters.tokenizer, "base"),
            "tokenizer_revision": parameters.tokenizer_revision,
        },
        tuning={"processes": parameters.prepare_processes},
        placement=Processor(vcpus=8, memory=24),
        launcher="job",
        image=NEURON_TRAINING,
        minutes=minutes,
        limit_hours=estimating.limit_hours(minutes, 1),
        needs_token=parameters.uses_token(),
    )


OPERATIONS = 6 * 8.0e9
"""A token's, forwards and backwards through Llama 3 8B. Adapters spare the gradients of its weights, and computing
activations twice takes as much again."""

AROUND_TRAINING = 9.5
"""Minutes for loading the model, looking up the held-out loss and saving checkpoints of adapters; an estimate."""


def _train(parameters: TextToSql, fleet: Fleet | None) -> Step:
    """250 steps of 32,768 tokens take eleven minutes on one trn1.32xlarge. No guide says how long it took."""
    sizes = (parameters.micro_batch, parameters.accumulation, parameters.tensor_parallel_degree)
    tokens = parameters.max_steps * estimating.global_batch(*sizes, fleet) * parameters.block_size
    minutes = AROUND_TRAINING + estimating.training_minutes(tokens, estimating.speed(OPERATIONS), fleet)
    return train_step(
        parameters,
        fleet,
        program="programs.text_to_sql.train",
        model=_model(parameters),
        fixed={},
        minutes=minutes,
        least_hours=6,
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
        image=NEURON_TRAINING,
        minutes=10,
        limit_hours=2,
        needs_token=parameters.uses_token(),
    )


LOADING_TWO_MODELS = 13.7
"""Minutes, of which 32 GB at 146 MB/s take four; an estimate."""
SECONDS_A_PASS, SECONDS_A_PROMPT = 0.2, 1.7
"""On 32 vCPUs: a forward pass reads 16 GB of weights; a prompt of some 200 tokens takes 2 teraflops 1.7 s."""
ANSWER = 65
"""Passes until the longest answer of a batch has ended; `test_max_new_tokens` can end it before."""


def _test(parameters: TextToSql) -> Step:
    """100 rows, asked of both models, take eleven minutes, half of them to read the prompts."""
    passes = math.ceil(parameters.test_rows / parameters.test_batch) * min(ANSWER, parameters.test_max_new_tokens)
    seconds = 2 * (passes * SECONDS_A_PASS + parameters.test_rows * SECONDS_A_PROMPT)
    minutes = LOADING_TWO_MODELS + seconds / 60
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
        image=NEURON_TRAINING,
        minutes=minutes,
        limit_hours=estimating.limit_hours(minutes, 2),
        needs_token=parameters.uses_token(),
    )


def _model(parameters: TextToSql) -> Arguments:
    return {"model": tiny_or_name(parameters.model, "base"), "model_revision": parameters.model_revision}


def _rows(parameters: TextToSql) -> Arguments:
    return {
        "dataset": file_or_name(parameters.dataset),
        "dataset_revision": parameters.dataset_revision,
        **parameters.model_dump(include={"train_rows", "eval_rows", "shuffle_seed", "block_size"}),
    }
