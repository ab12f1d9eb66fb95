"""Parameters of the pretraining recipe, and what cannot work together among them.

Numbers not explained here are the seed guide's own.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ...programs.rehearsal.tiny import TINY
from .. import fitting
from ..fields import (
    SAMPLES,
    Amount,
    AmountOrNone,
    Count,
    CountOrNone,
    HubName,
    Precision,
    Seed,
    Steps,
    StepsOrNone,
)
from ..recipe import Fleet, Parameters

FILES = (".parquet", ".jsonl", ".txt")


class Pretraining(Parameters):
    """Parameters of the real run, on Trainium."""

    corpus: HubName = "wikimedia/wikipedia"
    """English Wikipedia in Parquet: the guide's wikicorpus is made by a script, which `datasets` no longer runs."""
    corpus_revision: str = "main"
    corpus_files: str = "20231101.en/*.parquet"
    corpus_field: str = "text"
    tokenizer: HubName = "NousResearch/Llama-2-7b-hf"
    tokenizer_revision: str = "main"
    block_size: Count = 4096
    eval_blocks: Count = 256
    """A million held-out tokens: 32 for each of 8 data-parallel ranks."""
    train_blocks: CountOrNone = 0
    hidden_size: Count = 4096
    layers: Count = 32
    heads: Count = 32
    key_value_heads: Count = 32
    feed_forward: Count = 11008
    vocabulary: Count = 32000
    rms_norm_eps: Amount = 1e-5
    tensor_parallel_degree: Count = 8
    precision: Precision = "bf16"
    max_steps: Steps = 10_000
    global_batch: Count = 256
    """Blocks a step reads: 1,048,576 tokens."""
    micro_batch: Count = 1
    learning_rate: Amount = 3e-4
    warmup_steps: StepsOrNone = 100
    weight_decay: AmountOrNone = 0.01
    max_grad_norm: Amount = 1.0
    seed: Seed = 12349
    activation_checkpointing: Literal["none", "selective", "full"] = "selective"
    compile_steps: Annotated[Steps, Field(ge=2)] = 10
    log_every: Count = 10
    eval_every: Count = 250
    checkpoint_every: Count = 250
    """Every two to three hours on two nodes; one is some 95 GB with the optimizer's state."""
    keep_checkpoints: Count = 2
    max_failures: CountOrNone = 10
    prepare_processes: CountOrNone = 0
    test_blocks: Count = 32
    test_prompts: tuple[str, ...] = ("The river Danube is", "In 1969,", "A prime number is", "The capital of Norway")
    test_max_new_tokens: Count = 64
    test_batch: Count = 4

    def uses_token(self) -> bool:
        return self.tokenizer.startswith("meta-llama/")

    def world(self, fleet: Fleet | None) -> int:
        """Processes that train together."""
        return fleet.neuron_cores if fleet else 1

    def accumulation(self, fleet: Fleet | None) -> int:
        """Micro-batches that a data-parallel rank adds up for a step, once there are no misfits."""
        return self.global_batch * self.tensor_parallel_degree // (self.micro_batch * self.world(fleet))

    def misfits(self, fleet: Fleet | None) -> dict[str, str]:
        found = fitting.told(
            {
                "tokenizer": fitting.misfit_of_name(self.tokenizer, fleet),
                "corpus": _misfit_of_corpus(self.corpus, fleet),
                **self._misfits_of_model(),
                "tensor_parallel_degree": self._misfit_of_degree(fleet),
                "warmup_steps": fitting.misfit_of_warmup(self.warmup_steps, self.max_steps),
            }
        )
        return found or self._misfit_of_batch(fleet)

    def _misfits_of_model(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self.hidden_size % (2 * self.heads):
            found["hidden_size"] = (
                f"{self.hidden_size} does not make heads of an even width out of {self.heads} (heads)"
            )
        if self.heads % self.key_value_heads:
            found["key_value_heads"] = (
                f"{self.key_value_heads} does not divide the {self.heads} attention heads (heads)"
            )
        return found

    def _misfit_of_degree(self, fleet: Fleet | None) -> str | None:
        degree = self.tensor_parallel_degree
        if fleet is None:
            return fitting.misfit_of_degree_here(degree)
        sizes = ("key_value_heads", "feed_forward", "vocabulary", "block_size")
        for name in sizes:
            if getattr(self, name) % degree:
                return f"{degree} does not divide {getattr(self, name):,} ({name})"
        if fleet.neuron_cores % degree:
            return f"{degree} does not divide the world size {fitting.world_size(fleet)}"
        return None

    def _misfit_of_batch(self, fleet: Fleet | None) -> dict[str, str]:
        ranks = self.world(fleet) // self.tensor_parallel_degree
        once = self.micro_batch * ranks
        if self.global_batch % once == 0:
            return {}
        place = f"{fleet.nodes} nodes × {fleet.instance.neuron_cores} cores" if fleet else f"{ranks} workers"
        degree = f" / TP {self.tensor_parallel_degree}" if fleet else ""
        near = max(once, round(self.global_batch / once) * once)
        return {
            "global_batch": f"{self.global_batch} = micro batch {self.micro_batch} × DP {ranks} × accumulation has no "
            f"whole accumulation: {self.global_batch} / {self.micro_batch} / {ranks} = {self.global_batch / once:.2f}, "
            f"where DP = {place}{degree} = {ranks}. Set a multiple of {once}, as {near}"
        }


def _misfit_of_corpus(corpus: str, fleet: Fleet | None) -> str | None:
    """What is wrong with a corpus, which can be a folder as well."""
    path = Path(corpus)
    if path.suffix not in FILES and not path.is_absolute():
        return None
    if fleet is not None and not path.is_relative_to(fitting.SHARED):
        return f"{corpus} is on this machine, where no pod can read it. Put it under {fitting.SHARED}/data"
    if fleet is None and not path.exists():
        return f"there is no file or folder {path.absolute()}"
    return None


class PretrainingRehearsal(Pretraining):
    """The same on this machine's CPU: a tiny Llama, the project's own articles, two workers joined by gloo."""

    corpus: HubName = str(SAMPLES / "articles.jsonl")
    corpus_files: str = "*.jsonl"
    tokenizer: HubName = TINY
    block_size: Count = 128
    eval_blocks: Count = 24
    hidden_size: Count = 128
    layers: Count = 2
    heads: Count = 4
    key_value_heads: Count = 4
    feed_forward: Count = 336
    vocabulary: Count = 512
    tensor_parallel_degree: Count = 1
    precision: Precision = "fp32"
    max_steps: Steps = 100
    global_batch: Count = 8
    micro_batch: Count = 4
    learning_rate: Amount = 3e-3
    warmup_steps: StepsOrNone = 10
    eval_every: Count = 20
    checkpoint_every: Count = 20
    test_blocks: Count = 24
    test_prompts: tuple[str, ...] = ("Kardale is a town", "The Fenford is a river of")
    test_max_new_tokens: Count = 48
    workers: Count = 2

    def world(self, fleet: Fleet | None) -> int:
        return fleet.neuron_cores if fleet else self.workers
