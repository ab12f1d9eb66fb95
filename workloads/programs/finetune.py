"""The body that every training program shares: a model and blocks of tokens in, an adapter or a model out."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from . import blocks, folders
from .backends import Backend, Lora, ModelSpec, OptimizerSpec, choose
from .entry import argument
from .errors import UserError
from .journal import FILE, Journal, read
from .training.board import Board
from .training.checkpoints import Checkpoints, OneProcess
from .training.loop import Data, Plan, Trainee, note_down, train

CHECKPOINTS = "checkpoints"
RESUMABLE = (CHECKPOINTS, FILE, "tensorboard")
"""What of a killed training's folder the next one goes on from."""

RESULT = "model"
"""The folder of what training made, below the step's own: an adapter (in shards on Neuron), or a whole model."""


@dataclass
class TrainingArguments:
    """What every training takes, whatever model it begins with."""

    out: str = argument("folder of this step")
    data: str = argument("folder of the step that prepared the data: train.npy and eval.npy")
    backend: Literal["cpu", "neuron"] = argument("what to train on")
    tensor_parallel_degree: int = argument("NeuronCores that hold one copy of the model together")
    precision: Literal["bf16", "fp32"] = argument("type of the weights")
    max_steps: int = argument("optimizer steps in all")
    micro_batch: int = argument("blocks a data-parallel rank reads at a time")
    accumulation: int = argument("micro-batches a step")
    learning_rate: float = argument("highest learning rate")
    warmup_steps: int = argument("steps until the highest learning rate is reached")
    weight_decay: float = argument("decay of the weight matrices")
    max_grad_norm: float = argument("gradients are clipped to this norm")
    seed: int = argument("seed of the batches, and of what else is random")
    log_every: int = argument("steps between two looks at the loss")
    eval_every: int = argument("steps between two looks at the held-out loss")
    checkpoint_every: int = argument("steps between two checkpoints")
    keep_checkpoints: int = argument("how many checkpoints stay")
    resume_from: str = argument("folder of an earlier training whose newest checkpoint to begin from; or empty")


@dataclass
class Arguments(TrainingArguments):
    model: str = argument("model to start from: its name on the Hub, or a folder")
    model_revision: str = argument("branch, tag or commit of the model on the Hub")
    lora_rank: int = argument("rank of the adapters; 0 trains every weight")
    lora_alpha: int = argument("weight of the adapters")
    lora_dropout: float = argument("share of an adapter's inputs that is dropped")
    lora_rank_stabilized: bool = argument("scale adapters by alpha / sqrt(rank)")
    lora_targets: list[str] = argument("projections that get an adapter")
    gradient_checkpointing: bool = argument("compute activations twice rather than keep them")


@dataclass(frozen=True, slots=True)
class Training:
    """What to train, how, and how many checkpoints to keep."""

    model: ModelSpec
    optimizer: OptimizerSpec
    plan: Plan
    keep_checkpoints: int
    earlier: Path | None = None
    """Folder of a training that this one goes on from."""


def finetune(arguments: Arguments, out: Path) -> None:
    train_model(arguments, _model(arguments), out)


def train_model(arguments: TrainingArguments, model: ModelSpec, out: Path) -> None:
    """Trains `model` in each of the processes that do it together."""
    data = folders.require_done(Path(arguments.data))
    backend = choose(arguments.backend, arguments.tensor_parallel_degree)
    earlier = Path(arguments.resume_from) if arguments.resume_from else None
    training = Training(model, _optimizer(arguments), _plan(arguments), arguments.keep_checkpoints, earlier)
    if earlier and backend.is_first:
        _take_over(earlier, out, training.plan.max_steps)
    backend.barrier("earlier training looked at")
    fit(backend, training, data, out)


def trace(arguments: Arguments, steps: int) -> None:
    """Takes the training that `arguments` ask for through its first `steps`, for the graphs that it makes alone."""
    data = folders.require_done(Path(arguments.data))
    backend = choose(arguments.backend, arguments.tensor_parallel_degree)
    trainee = Trainee(backend, *backend.load(_model(arguments), _optimizer(arguments)))
    note_down(trainee, _tokens(data), _plan(arguments), steps)


def _take_over(earlier: Path, out: Path, max_steps: int) -> None:
    """Brings the curve of an earlier training over, so that this one's goes on from it; UserError if it can't be."""
    if Checkpoints(out / CHECKPOINTS, 1, OneProcess()).newest():
        return  # it was begun before, and has checkpoints of its own to go on from
    found = Checkpoints(earlier / CHECKPOINTS, 1, OneProcess()).newest()
    if found is None:
        raise UserError(
            f"trainyard:resumeFrom: {earlier} holds no whole checkpoint. Look for another, or leave it out."
        )
    if found[0] >= max_steps:
        raise UserError(
            f"trainyard:resumeFrom: {earlier} has done {found[0]:,} steps already, and max_steps is {max_steps:,}. "
            "Set trainyard:parameters.max_steps to more."
        )
    if not (out / FILE).exists() and (earlier / FILE).exists():
        folders.write_atomically(out / FILE, (earlier / FILE).read_bytes())


def fit(backend: Backend, training: Training, data: Path, out: Path) -> None:
    """Trains on `data`'s train.npy, looks up on its eval.npy, and leaves the result in `out`/model."""
    board = Board(out)
    journal = Journal(out, silent=not backend.is_first, mirror=board.add)
    trainee = Trainee(backend, *backend.load(training.model, training.optimizer))
    earlier = training.earlier / CHECKPOINTS if training.earlier else None
    checkpoints = Checkpoints(out / CHECKPOINTS, training.keep_checkpoints, backend, earlier)
    train(trainee, _tokens(data), training.plan, checkpoints, journal)
    board.close()
    backend.export(out / RESULT, trainee.model)
    backend.barrier("exported")
    if backend.is_first:
        losses = [event["loss"] for event in read(out) if event["event"] == "eval"]
        journal.result(f"held-out loss {losses[0]:.3f} → {losses[-1]:.3f} in {training.plan.max_steps:,} steps")


def _tokens(data: Path) -> Data:
    return Data(blocks.read(data / "train.npy"), blocks.read(data / "eval.npy"))


def _optimizer(arguments: TrainingArguments) -> OptimizerSpec:
    return OptimizerSpec(arguments.weight_decay, arguments.max_grad_norm)


def _plan(arguments: TrainingArguments) -> Plan:
    return Plan(**{field.name: getattr(arguments, field.name) for field in fields(Plan)})


def _model(arguments: Arguments) -> ModelSpec:
    lora = Lora(
        rank=arguments.lora_rank,
        alpha=arguments.lora_alpha,
        dropout=arguments.lora_dropout,
        rank_stabilized=arguments.lora_rank_stabilized,
        targets=tuple(arguments.lora_targets),
    )
    return ModelSpec(
        name=arguments.model,
        revision=arguments.model_revision,
        precision=arguments.precision,
        lora=lora if lora.rank else None,
        gradient_checkpointing=arguments.gradient_checkpointing,
    )
