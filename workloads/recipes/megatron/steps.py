"""The steps of the Megatron recipe, from its parameters and the nodes to train on."""

from ...programs.megatron import repository
from ...programs.rehearsal.tiny import TINY
from .. import compiling, estimating
from ..images import NEURON_TRAINING
from ..recipe import Fleet, every_node
from ..rehearsing import only_here, rehearsed
from ..step import RESUME_FROM, Arguments, Checkout, Folder, Image, Processor, Step, file_or_name
from ..testing import test_step
from .parameters import REHEARSED, Megatron

_EXTENSIONS = (
    '"$(cd / && python3 -c \'import importlib.util as u; print(u.find_spec("nemo").submodule_search_locations[0])\')"'
)

MEGATRON_IMAGE = Image(
    "neuronx-nemo-megatron",
    "public.ecr.aws/neuron/pytorch-training-neuronx:1.13.1-neuronx-py310-sdk2.20.2-ubuntu20.04",
    packages=("tensorboard==2.14.1",),
    system=("openssh-server", "openssh-client"),
    checkout=Checkout(
        repository.ADDRESS,
        repository.COMMIT,
        repository.IN_IMAGE,
        build=(
            "pip3 install --no-cache-dir wheel Cython",
            "./build.sh",
            "pip3 uninstall -y apex",
            "pip3 install --no-cache-dir build/*.whl",
            "pip3 install --no-cache-dir -r requirements.txt torch==1.13.1 protobuf==3.20.3",
            f"make -C {_EXTENSIONS}/collections/nlp/data/language_modeling/megatron",
        ),
    ),
)
"""As the repository's own two Dockerfiles build it. Its base's Apex is NVIDIA's, of the same version by name; and pip
would not replace that."""

TOKENS_A_SECOND = 10_500
"""Of one trn1.32xlarge: 82 sequences of 4096 a second on 32 with bf16SR (AWS Neuron's benchmark of Llama2-7B
pre-training)."""

WEIGHTS = 6.7e9
"""Of Llama 2 7B."""

REHEARSAL_MINUTES = 0.1
"""A step's, whichever it is."""


def steps(parameters: Megatron, fleet: Fleet | None) -> tuple[Step, ...]:
    """tokenizer, download, tokenize, compile, train, convert, test; in a rehearsal the first three, and check."""
    data = (_tokenizer(parameters), _download(parameters), _tokenize(parameters, indexed=fleet is not None))
    if fleet is None:
        return tuple(rehearsed(step, REHEARSAL_MINUTES) for step in (*data, _check(parameters)))
    return (*data, _compile(parameters, fleet), _train(parameters, fleet), _convert(parameters), _test(parameters))


def _tokenizer(parameters: Megatron) -> Step:
    return Step(
        name="tokenizer",
        program="programs.megatron.tokenizer",
        arguments={
            "tokenizer": parameters.tokenizer,
            "tokenizer_revision": parameters.tokenizer_revision,
            "corpus": file_or_name(parameters.dataset) if parameters.tokenizer == TINY else "",
        },
        tuning={},
        placement=Processor(vcpus=2, memory=8),
        launcher="job",
        image=NEURON_TRAINING,
        minutes=1,
        limit_hours=1,
        needs_token=parameters.uses_token(),
    )


def _download(parameters: Megatron) -> Step:
    return Step(
        name="download",
        program="programs.megatron.download",
        arguments={
            "dataset": file_or_name(parameters.dataset),
            "dataset_revision": parameters.dataset_revision,
            "held_out_share": parameters.held_out_share,
        },
        tuning={},
        placement=Processor(vcpus=4, memory=16),
        launcher="job",
        image=NEURON_TRAINING,
        minutes=10,
        limit_hours=4,
    )


TOKENIZES_ON = Processor(vcpus=32, memory=100)


def _tokenize(parameters: Megatron, *, indexed: bool) -> Step:
    """On 32 vCPUs for $1.61 an hour. The guide says 60 minutes with 32 processes, while four nodes for $86 stand by."""
    processes = min(parameters.tokenize_processes or TOKENIZES_ON.vcpus, TOKENIZES_ON.vcpus)
    minutes = 10 + 60 * 32 / processes
    return Step(
        name="tokenize",
        program="programs.megatron.preprocess",
        arguments={
            "corpus": Folder("download"),
            "tokenizer": Folder("tokenizer"),
            "sequence_length": parameters.sequence_length,
            "indexed": indexed,
        },
        tuning={"processes": parameters.tokenize_processes},
        placement=TOKENIZES_ON,
        launcher="job",
        image=MEGATRON_IMAGE,
        minutes=minutes,
        limit_hours=estimating.limit_hours(minutes, 6),
    )


TRAIN_ARGUMENTS = {
    *("sequence_length", "tensor_parallel_degree", "pipeline_parallel_degree", "micro_batch", "global_batch"),
    *("max_steps", "warmup_steps", "learning_rate", "min_learning_rate", "weight_decay", "max_grad_norm", "mode"),
    "seed",
}


def _training(parameters: Megatron, fleet: Fleet) -> Arguments:
    return {
        "data": Folder("tokenize"),
        "tokenizer": Folder("tokenizer"),
        "nodes": fleet.nodes,
        "processes": fleet.instance.neuron_cores,
        **parameters.model_dump(include=TRAIN_ARGUMENTS),
        RESUME_FROM: "",
    }


def _training_tuning(parameters: Megatron, fleet: Fleet) -> Arguments:
    return {**parameters.model_dump(include={"checkpoint_every", "keep_checkpoints"}), "efa": fleet.efa}


def _compile(parameters: Megatron, fleet: Fleet) -> Step:
    """Ten minutes on four nodes, says the guide."""
    return Step(
        name=compiling.NAME,
        program="programs.megatron.precompile",
        arguments=_training(parameters, fleet),
        tuning=_training_tuning(parameters, fleet),
        placement=every_node(fleet),
        launcher="mpi",
        image=MEGATRON_IMAGE,
        minutes=15,
        limit_hours=3,
    )


def _train(parameters: Megatron, fleet: Fleet) -> Step:
    """With the defaults on four nodes it is expected to take three days, and may take a week and more."""
    tokens = parameters.max_steps * parameters.global_batch * parameters.sequence_length
    minutes = estimating.training_minutes(tokens, TOKENS_A_SECOND, fleet)
    return Step(
        name="train",
        program="programs.megatron.train",
        arguments=_training(parameters, fleet),
        tuning=_training_tuning(parameters, fleet),
        placement=every_node(fleet),
        launcher="mpi",
        image=MEGATRON_IMAGE,
        minutes=minutes,
        limit_hours=estimating.limit_hours(minutes, 168),
        resumes=True,
        after=(compiling.NAME,),
    )


def _convert(parameters: Megatron) -> Step:
    return Step(
        name="convert",
        program="programs.megatron.convert",
        arguments={
            "train": Folder("train"),
            "tokenizer": Folder("tokenizer"),
            **parameters.model_dump(include={"sequence_length", "tensor_parallel_degree"}),
        },
        tuning={},
        placement=Processor(vcpus=8, memory=200),
        launcher="job",
        image=MEGATRON_IMAGE,
        minutes=20,
        limit_hours=3,
    )


def _test(parameters: Megatron) -> Step:
    return test_step(
        parameters,
        data="tokenize",
        model="convert",
        more={"batch": parameters.test_batch},
        tuning={},
        block_tokens=parameters.sequence_length,
        weights=WEIGHTS,
        least_hours=4,
    )


def _check(parameters: Megatron) -> Step:
    """With the numbers of the real run, but for the length of sequences, which is that of the rehearsal's blocks."""
    return only_here(
        name="check",
        program="programs.megatron.check",
        arguments=_training(parameters, REHEARSED),
        tuning=_training_tuning(parameters, REHEARSED),
        minutes=REHEARSAL_MINUTES,
    )
