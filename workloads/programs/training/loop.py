"""The training loop: load a batch, step, save, evaluate. It serves every recipe and both backends.

Batches, learning rate and random state are functions of the step, so a run that was killed and goes on from its newest
checkpoint takes the very steps that an unbroken one would have taken.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..backends import Backend
from ..blocks import Tokens
from ..errors import UserError
from ..journal import Journal
from ..packing import EMPTY
from .checkpoints import Checkpoints
from .schedule import Linear, Sampler

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.optim import Optimizer


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to train, on what, and how often to look up. Batches are counted in blocks a data-parallel rank."""

    max_steps: int
    micro_batch: int
    accumulation: int
    learning_rate: float
    warmup_steps: int
    seed: int
    log_every: int
    eval_every: int
    checkpoint_every: int


@dataclass(frozen=True, slots=True)
class Trainee:
    """The model in training, with its optimizer and the backend that both live on."""

    backend: Backend
    model: "nn.Module"
    optimizer: "Optimizer"


@dataclass(frozen=True, slots=True)
class Data:
    """Blocks [n, block_size] to train on, and those held out."""

    train: Tokens
    held_out: Tokens


def train(trainee: Trainee, data: Data, plan: Plan, checkpoints: Checkpoints, journal: Journal) -> None:
    """Trains to `plan.max_steps`, from the newest whole checkpoint where there is one."""
    course = _course(trainee.backend, data, plan)
    start = _resume(trainee, checkpoints, journal)
    recorder = _Recorder(trainee.backend, journal, plan, course.tokens_per_step)
    if start == 0:
        _evaluate(trainee, data.held_out, plan, journal, step=0)
    for step in range(start, plan.max_steps):
        _advance(trainee, course, recorder, step)
        last = step + 1 == plan.max_steps
        if last or (step + 1) % plan.log_every == 0:
            _require_numbers(recorder.flush(), step + 1)
        if last or (step + 1) % plan.eval_every == 0:
            _evaluate(trainee, data.held_out, plan, journal, step + 1)
        if last or (step + 1) % plan.checkpoint_every == 0:
            _require_numbers(recorder.flush(), step + 1)
            _save(trainee, checkpoints, step + 1)


def note_down(trainee: Trainee, data: Data, plan: Plan, steps: int) -> None:
    """Goes through `steps` training steps and a look at the held-out loss, as `train` does, for a device that only
    notes down what it is to compute: no number means anything, and nothing is written."""
    course = _course(trainee.backend, data, plan)
    nowhere = Journal(Path(), silent=True)
    recorder = _Recorder(trainee.backend, nowhere, plan, course.tokens_per_step)
    _evaluate(trainee, data.held_out, plan, nowhere, step=0)
    for step in range(steps):
        _advance(trainee, course, recorder, step)
        if step + 1 == steps or (step + 1) % plan.log_every == 0:
            recorder.flush()


@dataclass(frozen=True, slots=True)
class _Course:
    """What each step reads, and how fast it learns."""

    blocks: Tokens
    sampler: Sampler
    schedule: Linear

    @property
    def tokens_per_step(self) -> int:
        return self.blocks.shape[1] * self.sampler.global_batch


def _course(backend: Backend, data: Data, plan: Plan) -> _Course:
    sampler = Sampler(len(data.train), plan.micro_batch, plan.accumulation, backend.data_ranks, plan.seed)
    _check(sampler)
    return _Course(data.train, sampler, Linear(plan.learning_rate, plan.warmup_steps, plan.max_steps))


def _advance(trainee: Trainee, course: _Course, recorder: "_Recorder", step: int) -> None:
    """The training step that follows `step` finished ones."""
    backend = trainee.backend
    recorder.begin_step()
    backend.seed(course.sampler.seed + step * backend.data_ranks + backend.data_rank)
    rate = course.schedule.at(step)
    indices = course.sampler.at(step, backend.data_rank)
    recorder.add(step + 1, rate, *_step(trainee, course.blocks, indices, rate))


def _step(trainee: Trainee, blocks: Tokens, indices: np.ndarray, rate: float) -> "tuple[torch.Tensor, torch.Tensor]":
    """One optimizer step over blocks `indices` [accumulation, micro_batch] → loss and gradient norm, on the device."""
    batch = blocks[indices]
    tokens = _targets(batch)
    losses = []
    for rows in batch:
        loss = trainee.backend.loss(trainee.model, rows, tokens)
        trainee.backend.backward(loss)
        losses.append(loss.detach())
    norm = trainee.backend.step(trainee.optimizer, rate)
    return sum(losses[1:], start=losses[0]), norm


def _targets(batch: Tokens) -> int:
    """Tokens of `batch` [..., block_size] that are predicted: all but each block's first, and no padding."""
    return int((batch[..., 1:] != EMPTY).sum())


def _evaluate(trainee: Trainee, held_out: Tokens, plan: Plan, journal: Journal, step: int) -> None:
    """Logs the mean loss a token over the held-out blocks; each rank takes its share, short of a last uneven part."""
    import torch

    backend = trainee.backend
    share = max(1, len(held_out) // backend.data_ranks)
    mine = held_out[np.arange(backend.data_rank * share, (backend.data_rank + 1) * share) % len(held_out)]
    tokens = _targets(mine)
    trainee.model.eval()
    with torch.no_grad():
        chunks = [mine[at : at + plan.micro_batch] for at in range(0, share, plan.micro_batch)]
        chunks[-1] = _filled(chunks[-1], plan.micro_batch)
        losses = [backend.loss(trainee.model, chunk, tokens) for chunk in chunks]
    loss = sum(backend.means(losses))
    trainee.model.train()
    journal.log("eval", step=step, loss=loss)
    journal.say(f"held-out loss after step {step:,}: {loss:.4f}")


def _filled(chunk: Tokens, rows: int) -> Tokens:
    """`chunk` with empty blocks added up to `rows`: another shape would cost a compilation on Neuron."""
    empty = np.full((rows - len(chunk), chunk.shape[1]), EMPTY, dtype=chunk.dtype)
    return np.concatenate([chunk, empty])


def _resume(trainee: Trainee, checkpoints: Checkpoints, journal: Journal) -> int:
    found = checkpoints.newest()
    if found is None:
        journal.rewind(-1)
        return 0
    step, folder = found
    journal.rewind(step)
    try:
        trainee.backend.restore(folder, trainee.model, trainee.optimizer)
    except (RuntimeError, KeyError, ValueError) as error:
        first = str(error).strip().partition("\n")[0]
        raise UserError(
            f"{folder} does not fit the model to train: {first}. Leave trainyard:resumeFrom out, or go back to the "
            "parameters that it was made with."
        ) from error
    journal.log("resume", step=step)
    journal.say(f"resumed from the checkpoint after step {step:,}")
    return step


def _save(trainee: Trainee, checkpoints: Checkpoints, step: int) -> None:
    trainee.backend.save(checkpoints.begin(), trainee.model, trainee.optimizer)
    checkpoints.commit(step)


def _check(sampler: Sampler) -> None:
    if sampler.steps_per_epoch == 0:
        raise UserError(
            f"A step reads {sampler.global_batch} blocks ({sampler.micro_batch} a micro-batch × {sampler.accumulation} "
            f"accumulated × {sampler.ranks} data-parallel ranks), but the data has {sampler.blocks}. Give more data, "
            "or a smaller batch."
        )


def _require_numbers(losses: list[float], step: int) -> None:
    if not all(map(math.isfinite, losses)):
        raise UserError(
            f"The loss is no longer a number by step {step:,}: training has run away. Lower learning_rate, or raise "
            "warmup_steps."
        )


class _Recorder:
    """Keeps losses on the device until the next flush: reading one waits for the device, and costs a step's overlap."""

    def __init__(self, backend: Backend, journal: Journal, plan: Plan, tokens_per_step: int):
        self._backend, self._journal, self._plan, self._tokens = backend, journal, plan, tokens_per_step
        self._pending: list[_Pending] = []
        self._since = 0.0

    def begin_step(self) -> None:
        if not self._pending:
            self._since = time.perf_counter()

    def add(self, step: int, rate: float, loss: "torch.Tensor", norm: "torch.Tensor") -> None:
        self._pending.append(_Pending(step, rate, loss, norm))

    def flush(self) -> list[float]:
        """Logs every step since the last flush, the last of them with tokens a second, padding counted; and returns
        their losses."""
        if not self._pending:
            return []
        pending, self._pending = self._pending, []
        losses = self._backend.means([one.loss for one in pending])
        norms = self._backend.means([one.norm for one in pending])
        speed = self._tokens * len(pending) / (time.perf_counter() - self._since)
        for one, loss, norm in zip(pending, losses, norms, strict=True):
            values = {"step": one.step, "steps": self._plan.max_steps, "loss": loss, "learning_rate": one.rate}
            extra = {"tokens_per_second": round(speed, 1)} if one is pending[-1] else {}
            self._journal.log("step", **values, grad_norm=norm, **extra)
        self._journal.trained(pending[-1].step, self._plan.max_steps, sum(losses) / len(losses), speed)
        return losses


@dataclass(frozen=True, slots=True)
class _Pending:
    step: int
    rate: float
    loss: "torch.Tensor"
    norm: "torch.Tensor"
