"""The steps of the Dolly recipe, from its parameters and the nodes to train on."""

import math

from ...programs.rehearsal.tiny import TINY
from .. import estimating
from ..compiling import compile_step
from ..images import NEURON_TRAINING
from ..recipe import Fleet
from ..rehearsing import only_here, rehearsed, tiny_or_name
from ..step import Arguments, Folder, Neuron, Placement, Processor, Step, ThisMachine, file_or_name
from ..training import train_step
from .parameters import Dolly, DollyRehearsal


def steps(parameters: Dolly, fleet: Fleet | None) -> tuple[Step, ...]:
    """prepare, compile, train, consolidate, export, generate. A rehearsal compiles and exports nothing, and has base
    before them where the model is the tiny one."""
    prepare, train, consolidate = _prepare(parameters), _train(parameters, fleet), _consolidate(parameters)
    generate = _generate(parameters, fleet)
    if fleet is not None:
        return (prepare, compile_step(train), train, consolidate, _export(parameters, fleet), generate)
    here = tuple(_here(step, parameters) for step in (prepare, train, consolidate, generate))
    if isinstance(parameters, DollyRehearsal) and parameters.model == TINY:
        return (_base(parameters), *here)
    return here


REHEARSAL_MINUTES = {"base": 0.1, "prepare": 0.1, "train": 1.0, "consolidate": 0.1, "generate": 0.2}
"""Measured on two cores; `make bench` shows today's."""


def _here(step: Step, parameters: Dolly) -> Step:
    processes = parameters.processes if isinstance(parameters, DollyRehearsal) and step.name == "train" else 1
    return rehearsed(step, REHEARSAL_MINUTES[step.name], processes)


def _base(parameters: DollyRehearsal) -> Step:
    return only_here(
        name="base",
        program="programs.dolly.base",
        arguments={**_rows(parameters), "vocabulary": parameters.base_vocabulary, "seed": parameters.seed},
        tuning={},
        minutes=REHEARSAL_MINUTES["base"],
    )


ROWS_A_MINUTE = 7_500
"""That are rendered and tokenized; an estimate."""


def _prepare(parameters: Dolly) -> Step:
    """On a processor, not on a node of $21.50 an hour: it needs the tokenizer, and no device."""
    minutes = 1 + (parameters.train_rows + parameters.eval_rows) / ROWS_A_MINUTE
    model = _model(parameters)
    return Step(
        name="prepare",
        program="programs.dolly.prepare",
        arguments={
            **_rows(parameters),
            **parameters.model_dump(include={"train_rows", "eval_rows", "shuffle_seed", "block_size"}),
            "tokenizer": model["model"],
            "tokenizer_revision": model["model_revision"],
        },
        tuning={"processes": parameters.prepare_processes},
        placement=Processor(vcpus=8, memory=24),
        launcher="job",
        image=NEURON_TRAINING,
        minutes=minutes,
        limit_hours=estimating.limit_hours(minutes, 1),
        needs_token=parameters.uses_token(),
    )


ALL_WEIGHTS: Arguments = {
    "lora_rank": 0,
    "lora_alpha": 1,
    "lora_dropout": 0.0,
    "lora_rank_stabilized": False,
    "lora_targets": ("q_proj",),
}
"""The training program's arguments for adapters: rank 0 has none, and leaves the others without a meaning."""


TOKENS_A_ROW = 273
"""300 rows fill about 40 blocks of 2048."""

TOKENS_A_SECOND = 6_400
"""Of one trn1.32xlarge: seed guide 002 measured 31:46 for three epochs. Of its 15,011 rows, 2,000 blocks, these are 93
steps of 131,072 tokens."""

AROUND_TRAINING = 13
"""Minutes: loading and saving took the guide 11:38, and the held-out loss comes on top."""


def _steps(parameters: Dolly, fleet: Fleet | None) -> int:
    """As programs.dolly.train counts them, were there `train_rows` rows of the default data set's length."""
    if parameters.max_steps:
        return parameters.max_steps
    blocks = parameters.train_rows * TOKENS_A_ROW // parameters.block_size
    return parameters.epochs * max(1, blocks // _global_batch(parameters, fleet))


def _global_batch(parameters: Dolly, fleet: Fleet | None) -> int:
    sizes = (parameters.micro_batch, parameters.accumulation, parameters.tensor_parallel_degree)
    return estimating.global_batch(*sizes, fleet)


def _train(parameters: Dolly, fleet: Fleet | None) -> Step:
    tokens = _steps(parameters, fleet) * _global_batch(parameters, fleet) * parameters.block_size
    minutes = AROUND_TRAINING + estimating.training_minutes(tokens, TOKENS_A_SECOND, fleet)
    return train_step(
        parameters,
        fleet,
        program="programs.dolly.train",
        model=_model(parameters),
        fixed=ALL_WEIGHTS,
        minutes=minutes,
        least_hours=8,
    )


def _consolidate(parameters: Dolly) -> Step:
    """14 GB of weights in bf16, once as shards and once joined."""
    return Step(
        name="consolidate",
        program="programs.dolly.consolidate",
        arguments={
            "train": Folder("train"),
            "data": Folder("prepare"),
            "precision": parameters.precision,
            **_sampling(parameters),
        },
        tuning={},
        placement=Processor(vcpus=8, memory=100),
        launcher="job",
        image=NEURON_TRAINING,
        minutes=10,
        limit_hours=2,
    )


def _export(parameters: Dolly, fleet: Fleet) -> Step:
    """Neuron's compiler needs vCPUs and memory and no device. Seed guide 002: about 25 minutes."""
    return Step(
        name="export",
        program="programs.dolly.export",
        arguments={
            "model": Folder("consolidate"),
            "instance_type": fleet.instance.name.partition(".")[0],
            "batch_size": parameters.export_batch,
            "sequence_length": parameters.export_sequence_length,
            "tensor_parallel_degree": parameters.export_cores,
        },
        tuning={},
        placement=Processor(vcpus=16, memory=100),
        launcher="job",
        image=NEURON_TRAINING,
        minutes=25,
        limit_hours=4,
    )


LOADING_TO_GENERATE = 5.7
"""Minutes, for 14 GB."""
ANSWERED_A_SECOND = 20
"""Tokens of a prompt's answer, on two NeuronCores; an estimate."""


def _generate(parameters: Dolly, fleet: Fleet | None) -> Step:
    """Ten answers of up to 512 tokens take four minutes. How many prompts a file of one's own has nobody knows here."""
    tokens = math.ceil(parameters.prompt_rows / parameters.export_batch) * parameters.max_new_tokens
    minutes = LOADING_TO_GENERATE + tokens / ANSWERED_A_SECOND / 60
    placement: Placement = Neuron(fleet.instance, 1, efa=False, alone=True) if fleet else ThisMachine()
    return Step(
        name="generate",
        program="programs.dolly.generate",
        arguments={
            "model": Folder("export" if fleet else "consolidate"),
            "consolidated": Folder("consolidate"),
            "data": Folder("prepare"),
            "backend": "neuron" if fleet else "cpu",
            "prompts": file_or_name(parameters.prompts),
            "rows": parameters.prompt_rows,
            "precision": parameters.precision,
            "batch": parameters.export_batch,
            "sequence_length": parameters.export_sequence_length,
            "max_new_tokens": parameters.max_new_tokens,
            **_sampling(parameters),
            "seed": parameters.generate_seed,
        },
        tuning={},
        placement=placement,
        launcher="job",
        image=NEURON_TRAINING,
        minutes=minutes,
        limit_hours=estimating.limit_hours(minutes, 2),
    )


def _sampling(parameters: Dolly) -> Arguments:
    return parameters.model_dump(include={"temperature", "top_k", "top_p"})


def _model(parameters: Dolly) -> Arguments:
    return {"model": tiny_or_name(parameters.model, "base"), "model_revision": parameters.model_revision}


def _rows(parameters: Dolly) -> Arguments:
    return {"dataset": file_or_name(parameters.dataset), "dataset_revision": parameters.dataset_revision}
