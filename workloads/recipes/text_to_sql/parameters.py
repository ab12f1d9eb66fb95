"""Parameters of the text-to-SQL recipes, and what cannot work together among them.

Numbers not explained here are the seed guides' own.
"""

from typing import Annotated, Literal, get_args

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from .. import fitting
from ..fields import SAMPLES, TINY, Precision
from ..recipe import Fleet, Parameters

HEADS = 32
"""Attention heads of Llama 3 8B, which its tensor-parallel degree must divide."""

Projection = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
PROJECTIONS: tuple[Projection, ...] = get_args(Projection)
"""A Llama's projections that can have an adapter."""

Share = Annotated[float, Field(ge=0, lt=1)]


class TextToSql(Parameters):
    """Parameters of the real run, on Trainium."""

    model: str = "meta-llama/Meta-Llama-3-8B"
    model_revision: str = "main"
    tokenizer: str = "meta-llama/Meta-Llama-3-8B-Instruct"
    tokenizer_revision: str = "main"
    dataset: str = "b-mc2/sql-create-context"
    dataset_revision: str = "main"
    train_rows: PositiveInt = 50_000
    eval_rows: PositiveInt = 500
    shuffle_seed: NonNegativeInt = 23
    block_size: PositiveInt = 1024
    tensor_parallel_degree: PositiveInt = 8
    precision: Precision = "bf16"
    lora_rank: PositiveInt = 8
    lora_alpha: PositiveInt = 64
    lora_dropout: Share = 0.05
    lora_rank_stabilized: bool = True
    lora_targets: tuple[Projection, ...] = PROJECTIONS
    max_steps: PositiveInt = 250
    micro_batch: PositiveInt = 8
    accumulation: PositiveInt = 1
    learning_rate: PositiveFloat = 1e-5
    warmup_steps: NonNegativeInt = 0
    weight_decay: NonNegativeFloat = 0.0
    max_grad_norm: PositiveFloat = 1.0
    seed: NonNegativeInt = 42
    gradient_checkpointing: bool = True
    log_every: PositiveInt = 10
    eval_every: PositiveInt = 50
    checkpoint_every: PositiveInt = 50
    keep_checkpoints: PositiveInt = 2
    prepare_processes: NonNegativeInt = 0
    test_rows: PositiveInt = 100
    """Asked of both models. At 8 billion weights a forward pass reads 16 GB, which 32 vCPUs do in about 0.2 s; 100 rows
    in batches of 8 are 13 batches × 2 models × 65 passes or so: 6 minutes, and as much again to read the prompts."""
    test_batch: PositiveInt = 8
    test_max_new_tokens: PositiveInt = 128
    test_examples: NonNegativeInt = 10

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

    model: str = TINY
    tokenizer: str = TINY
    dataset: str = str(SAMPLES / "text_to_sql.jsonl")
    train_rows: PositiveInt = 50_000
    eval_rows: PositiveInt = 64
    block_size: PositiveInt = 256
    tensor_parallel_degree: PositiveInt = 1
    precision: Precision = "fp32"
    max_steps: PositiveInt = 300
    micro_batch: PositiveInt = 4
    learning_rate: PositiveFloat = 4e-3
    warmup_steps: NonNegativeInt = 10
    gradient_checkpointing: bool = False
    eval_every: PositiveInt = 25
    test_rows: PositiveInt = 64
    test_batch: PositiveInt = 16
    test_max_new_tokens: PositiveInt = 48
    base_vocabulary: Annotated[int, Field(ge=300)] = 768
    base_steps: PositiveInt = 500
    base_learning_rate: PositiveFloat = 4e-3
