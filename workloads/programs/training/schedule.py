"""Learning rate and choice of blocks as pure functions of the step: nothing of them needs saving to resume."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Linear:
    """Linear warm-up from 0, then linear decay to 0 at `max_steps`: the Hugging Face trainer's default."""

    peak: float
    warmup_steps: int
    max_steps: int

    def at(self, step: int) -> float:
        """The learning rate of the step that follows `step` finished ones."""
        if step < self.warmup_steps:
            return self.peak * step / self.warmup_steps
        left = self.max_steps - step
        return self.peak * max(0.0, left / max(1, self.max_steps - self.warmup_steps))


@dataclass(frozen=True, slots=True)
class Sampler:
    """Which blocks a data-parallel rank reads at a step: shuffled anew each epoch, none twice in one.

    What does not fill a last global batch is left out of that epoch (the seed guides' `dataloader_drop_last`).
    """

    blocks: int
    micro_batch: int
    accumulation: int
    ranks: int
    seed: int

    @property
    def global_batch(self) -> int:
        """Blocks a step reads over all ranks."""
        return self.micro_batch * self.accumulation * self.ranks

    @property
    def steps_per_epoch(self) -> int:
        return self.blocks // self.global_batch

    def at(self, step: int, rank: int) -> npt.NDArray[np.int64]:
        """Indices of shape [accumulation, micro_batch] for `rank` at the step that follows `step` finished ones."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = _order(self.seed, epoch, self.blocks)
        batch = order[place * self.global_batch :][: self.global_batch]
        return batch.reshape(self.accumulation, self.ranks, self.micro_batch)[:, rank]


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, blocks: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(blocks)
