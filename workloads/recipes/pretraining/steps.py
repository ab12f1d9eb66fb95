"""The steps of the pretraining recipe, from its parameters and the nodes to train on."""

from dataclasses import replace

from ...programs.pretraining import report
from ...programs.rehearsal.tiny import TINY
from .. import compiling, estimating
from ..images import NEURON_TRAINING
from ..recipe import Fleet, every_node
from ..rehearsing import only_here, rehearsed, tiny_or_name
from ..step import RESUME_FROM, Arguments, Folder, Processor, Step, file_or_name
from ..testing import test_step
from .parameters import Pretraining, PretrainingRehearsal


def steps(parameters: Pretraining, fleet: Fleet | None) -> tuple[Step, ...]:
    """prepare, compile, train, consolidate, test; on this machine there is nothing to compile for."""
    train = _train(parameters, fleet)
    real = (_prepare(parameters), train, _consolidate(parameters), _test(parameters))
    if fleet is not None:
        return (real[0], _compile(parameters, train), *real[1:])
    here = tuple(rehearsed(step, REHEARSAL_MINUTES[step.name]) for step in real)
    if isinstance(parameters, PretrainingRehearsal) and parameters.tokenizer == TINY:
        return (_tokenizer(parameters), *here)
    return here


REHEARSAL_MINUTES = {"prepare": 0.1, "train": 1.0, "consolidate": 0.1, "test": 0.2}
"""Measured on two cores; `make bench` shows today's."""


def _tokenizer(parameters: PretrainingRehearsal) -> Step:
    return only_here(
        name="tokenizer",
        program="programs.pretraining.tokenizer",
        arguments={**_corpus(parameters), "vocabulary": parameters.vocabulary},
        tuning={},
        minutes=0.1,
    )


PREPARES_ON = Processor(vcpus=32, memory=64)
CORPUS_BYTES = 20e9
"""Text of English Wikipedia; how much another corpus has is known when it is read."""
BYTES_PER_TOKEN = 4
BYTES_PER_SECOND = 1e6
"""That Llama 2's tokenizer reads in one process."""
AROUND_PREPARING = 9.6
"""Minutes, most of them for downloading 11 GB; an estimate."""


def _prepare(parameters: Pretraining) -> Step:
    """On a processor, so that no node of $21.50 an hour waits for it, as both of the guide's did for 20 minutes.

    English Wikipedia takes 32 processes 10 minutes; it is read until there are `train_blocks`.
    """
    wanted = parameters.train_blocks * parameters.block_size * BYTES_PER_TOKEN or CORPUS_BYTES
    processes = min(parameters.prepare_processes or PREPARES_ON.vcpus, PREPARES_ON.vcpus)
    minutes = AROUND_PREPARING + min(wanted, CORPUS_BYTES) / BYTES_PER_SECOND / processes / 60
    return Step(
        name="prepare",
        program="programs.pretraining.prepare",
        arguments={
            **_corpus(parameters),
            "tokenizer": tiny_or_name(parameters.tokenizer, "tokenizer"),
            "tokenizer_revision": parameters.tokenizer_revision,
            **parameters.model_dump(include={"block_size", "eval_blocks", "train_blocks"}),
        },
        tuning={"processes": parameters.prepare_processes},
        placement=PREPARES_ON,
        launcher="job",
        image=NEURON_TRAINING,
        minutes=minutes,
        limit_hours=estimating.limit_hours(minutes, 6),
        needs_token=parameters.uses_token(),
    )


MODEL = {"hidden_size", "layers", "heads", "key_value_heads", "feed_forward", "vocabulary", "rms_norm_eps"}
TRAIN_ARGUMENTS = {
    *("tensor_parallel_degree", "precision", "max_steps", "micro_batch", "learning_rate", "warmup_steps"),
    *("weight_decay", "max_grad_norm", "seed"),
}
TRAIN_TUNING = {
    *("activation_checkpointing", "log_every", "eval_every", "checkpoint_every", "keep_checkpoints", "max_failures"),
}


def _train(parameters: Pretraining, fleet: Fleet | None) -> Step:
    """10,000 steps of 1,048,576 tokens, of 4.6e10 operations each, take two trn1.32xlarge 108 hours: the guide says
    "many". More nodes take less of them, and no less money."""
    tokens = parameters.max_steps * parameters.global_batch * parameters.block_size
    speed = estimating.speed(report.flops_per_token(parameters, parameters.block_size))
    minutes = estimating.training_minutes(tokens, speed, fleet)
    return Step(
        name="train",
        program="programs.pretraining.train",
        arguments={
            "data": Folder("prepare"),
            "backend": "neuron" if fleet else "cpu",
            **parameters.model_dump(include=MODEL | TRAIN_ARGUMENTS),
            "accumulation": max(1, parameters.accumulation(fleet)),
            "workers": parameters.world(fleet),
            RESUME_FROM: "",
        },
        tuning={
            **parameters.model_dump(include=TRAIN_TUNING),
            "peak_tflops": fleet.nodes * fleet.instance.peak_tflops if fleet else 0,
        },
        placement=every_node(fleet),
        launcher="ray",
        image=NEURON_TRAINING,
        minutes=minutes,
        limit_hours=estimating.limit_hours(minutes, 24 * 14),
        resumes=True,
        after=(compiling.NAME,),
    )


def _compile(parameters: Pretraining, train: Step) -> Step:
    """The guide's: ten steps, up to six minutes. Cut off before it was done, it keeps what the cache has."""
    return replace(
        train,
        name=compiling.NAME,
        program="programs.pretraining.compile",
        arguments={**train.arguments, "compile_steps": parameters.compile_steps},
        minutes=15,
        limit_hours=3,
        resumes=False,
        after=(),
    )


def _consolidate(parameters: Pretraining) -> Step:
    return Step(
        name="consolidate",
        program="programs.pretraining.consolidate",
        arguments={"train": Folder("train"), "data": Folder("prepare"), "precision": parameters.precision},
        tuning={},
        placement=Processor(vcpus=8, memory=100),
        launcher="job",
        image=NEURON_TRAINING,
        minutes=10,
        limit_hours=2,
    )


def _test(parameters: Pretraining) -> Step:
    return test_step(
        parameters,
        data="prepare",
        model="consolidate",
        more={},
        tuning={"batch": parameters.test_batch},
        block_tokens=parameters.block_size,
        weights=report.multiplying_weights(parameters),
        least_hours=2,
    )


def _corpus(parameters: Pretraining) -> Arguments:
    described = parameters.model_dump(include={"corpus_revision", "corpus_files", "corpus_field"})
    return {"corpus": file_or_name(parameters.corpus), **described}
