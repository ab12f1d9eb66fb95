"""The steps of the text-to-SQL recipes, from their parameters and the nodes to train on."""

from ..compiling import compile_step
from ..fields import TINY
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


def _prepare(parameters: TextToSql) -> Step:
    """On a processor, not on a node of $21.50 an hour: it needs the tokenizer, and no device."""
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
        minutes=3,
        limit_hours=1,
        needs_token=parameters.uses_token(),
    )


def _train(parameters: TextToSql, fleet: Fleet | None) -> Step:
    """8.2 million tokens take 11 minutes at a fifth of a trn1.32xlarge's peak: 6 × 8e9 operations a token, 3 petaflops.

    Loading the model, looking up the held-out loss and saving checkpoints take the rest.
    """
    return train_step(
        parameters,
        fleet,
        program="programs.text_to_sql.train",
        model=_model(parameters),
        fixed={},
        minutes=20,
        limit_hours=6,
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
        image=NEURON_TRAINING,
        minutes=25,
        limit_hours=2,
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
