"""Parameters of the text-to-SQL recipes, and what cannot work together among them.

Numbers not explained here are the seed guides' own.
"""

from typing import Annotated, Literal, get_args

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

HEADS = 32
"""Attention heads of Llama 3 8B, which its tensor-parallel degree must divide."""

Projection = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
PROJECTIONS: tuple[Projection, ...] = get_args(Projection)
"""A Llama's projections that can have an adapter."""

Share = Annotated[float, Field(ge=0, lt=1)]


class TextToSql(Parameters):
    """Parameters of the real run, on Trainium."""

    model: HubName = "meta-llama/Meta-Llama-3-8B"
    model_revision: str = "main"
    tokenizer: HubName = "meta-llama/Meta-Llama-3-8B-Instruct"
    tokenizer_revision: str = "main"
    dataset: HubName = "b-mc2/sql-create-context"
    dataset_revision: str = "main"
    train_rows: Count = 50_000
    eval_rows: Count = 500
    shuffle_seed: Seed = 23
    block_size: Count = 1024
    tensor_parallel_degree: Count = 8
    precision: Precision = "bf16"
    lora_rank: Count = 8
    lora_alpha: Count = 64
    lora_dropout: Share = 0.05
    lora_rank_stabilized: bool = True
    lora_targets: tuple[Projection, ...] = PROJECTIONS
    max_steps: Steps = 250
    micro_batch: Count = 8
    accumulation: Count = 1
    learning_rate: Amount = 1e-5
    warmup_steps: StepsOrNone = 0
    weight_decay: AmountOrNone = 0.0
    max_grad_norm: Amount = 1.0
    seed: Seed = 42
    gradient_checkpointing: bool = True
    log_every: Count = 10
    eval_every: Count = 50
    checkpoint_every: Count = 50
    keep_checkpoints: Count = 2
    prepare_processes: CountOrNone = 0
    test_rows: Count = 100
    """Asked of both models."""
    test_batch: Count = 8
    test_max_new_tokens: Count = 128
    test_examples: CountOrNone = 10

    def uses_token(self) -> bool:
        return any(name.startswith("meta-llama/") for name in (self.model, self.tokenizer))

    def misfits(self, fleet: Fleet | None) -> dict[str, str]:
        found = fitting.told(
            {
                "model": fitting.misfit_of_name(self.model, fleet),
                "tokenizer": fitting.misfit_of_name(self.tokenizer, fleet),
                "dataset": fitting.misfit_of_file(self.dataset, fleet),
                "tensor_parallel_degree": fitting.misfit_of_degree(self.tensor_parallel_degree, HEADS, fleet),
                "warmup_steps": fitting.misfit_of_warmup(self.warmup_steps, self.max_steps),
            }
        )
        if fleet is not None and set(self.lora_targets) != set(PROJECTIONS):
            found["lora_targets"] = f"optimum-neuron 0.4.5 consolidates no fewer than all of {', '.join(PROJECTIONS)}"
        if fleet is not None and "tensor_parallel_degree" not in found:
            sizes = (self.micro_batch, self.accumulation, self.tensor_parallel_degree, self.train_rows)
            found |= fitting.told({"micro_batch": fitting.misfit_of_batch(*sizes, fleet)})
        return found


class TextToSqlRehearsal(TextToSql):
    """The same on this machine's CPU: a tiny Llama of its own making, the project's own rows, a minute of training."""

    model: HubName = TINY
    tokenizer: HubName = TINY
    dataset: HubName = str(SAMPLES / "text_to_sql.jsonl")
    train_rows: Count = 50_000
    eval_rows: Count = 64
    block_size: Count = 256
    tensor_parallel_degree: Count = 1
    precision: Precision = "fp32"
    max_steps: Steps = 300
    micro_batch: Count = 4
    learning_rate: Amount = 4e-3
    warmup_steps: StepsOrNone = 10
    gradient_checkpointing: bool = False
    eval_every: Count = 25
    test_rows: Count = 64
    test_batch: Count = 16
    test_max_new_tokens: Count = 48
    base_vocabulary: Annotated[int, Field(ge=300)] = 768
    base_steps: Steps = 500
    base_learning_rate: Amount = 4e-3
