"""Parameters of the Dolly recipe, and what cannot work together among them.

Numbers not explained here are the seed guide's own.
"""

from typing import Annotated

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
"""Attention heads of Llama 2 7B, which tensor-parallel degrees must divide."""

Share = Annotated[float, Field(gt=0, le=1)]


class Dolly(Parameters):
    """Parameters of the real run, on Trainium."""

    model: HubName = "meta-llama/Llama-2-7b-hf"
    model_revision: str = "main"
    dataset: HubName = "databricks/databricks-dolly-15k"
    dataset_revision: str = "main"
    train_rows: Count = 15_000
    eval_rows: Count = 300
    """Held out of the 15,011, of which the guide holds out none: about 40 blocks to look up the loss on."""
    shuffle_seed: Seed = 42
    block_size: Count = 2048
    tensor_parallel_degree: Count = 8
    precision: Precision = "bf16"
    epochs: Steps = 3
    max_steps: StepsOrNone = 0
    """0 for as many as the epochs make."""
    micro_batch: Count = 1
    accumulation: Count = 16
    learning_rate: Amount = 5e-5
    warmup_steps: StepsOrNone = 0
    weight_decay: AmountOrNone = 0.0
    max_grad_norm: Amount = 1.0
    seed: Seed = 42
    gradient_checkpointing: bool = True
    log_every: Count = 10
    eval_every: Count = 20
    checkpoint_every: Count = 20
    """About 90 GB each: 14 of bf16 weights, and 12 bytes a weight of optimizer state in fp32."""
    keep_checkpoints: Count = 1
    prepare_processes: CountOrNone = 0
    export_cores: Count = 2
    export_batch: Count = 1
    export_sequence_length: Count = 2048
    prompts: str = ""
    """A JSONL file with instruction and context; without one, held-out rows are asked."""
    prompt_rows: Count = 10
    max_new_tokens: Count = 512
    temperature: Amount = 0.9
    top_k: Count = 50
    top_p: Share = 0.9
    generate_seed: Seed = 42

    def uses_token(self) -> bool:
        return self.model.startswith("meta-llama/")

    def misfits(self, fleet: Fleet | None) -> dict[str, str]:
        found = fitting.told(
            {
                "model": fitting.misfit_of_name(self.model, fleet),
                "dataset": fitting.misfit_of_file(self.dataset, fleet),
                "prompts": fitting.misfit_of_file(self.prompts, fleet),
                "tensor_parallel_degree": fitting.misfit_of_degree(self.tensor_parallel_degree, HEADS, fleet),
                "export_cores": self._misfit_of_cores(fleet),
                "warmup_steps": fitting.misfit_of_warmup(self.warmup_steps, self.max_steps),
                "max_new_tokens": self._misfit_of_length(),
            }
        )
        if fleet is not None and "tensor_parallel_degree" not in found:
            sizes = (self.micro_batch, self.accumulation, self.tensor_parallel_degree, self.train_rows)
            found |= fitting.told({"accumulation": fitting.misfit_of_batch(*sizes, fleet)})
        return found

    def _misfit_of_cores(self, fleet: Fleet | None) -> str | None:
        cores = fleet.instance.neuron_cores if fleet else HEADS
        fitting_ = [str(one) for one in range(1, HEADS + 1) if HEADS % one == 0 and one <= cores]
        if str(self.export_cores) in fitting_:
            return None
        return (
            f"{self.export_cores} NeuronCores of one node must divide the model's {HEADS} attention heads. "
            f"Allowed: {', '.join(fitting_)}"
        )

    def _misfit_of_length(self) -> str | None:
        if self.max_new_tokens < self.export_sequence_length:
            return None
        length = self.export_sequence_length
        return f"{self.max_new_tokens} leaves no room for a prompt in {length} tokens (export_sequence_length)"


class DollyRehearsal(Dolly):
    """The same on this machine's CPU: a tiny Llama of random weights, the project's own rows, two processes."""

    model: HubName = TINY
    dataset: HubName = str(SAMPLES / "dolly.jsonl")
    eval_rows: Count = 32
    block_size: Count = 128
    tensor_parallel_degree: Count = 1
    precision: Precision = "fp32"
    epochs: Steps = 40
    micro_batch: Count = 4
    accumulation: Count = 2
    learning_rate: Amount = 4e-3
    warmup_steps: StepsOrNone = 20
    gradient_checkpointing: bool = False
    eval_every: Count = 40
    checkpoint_every: Count = 100
    keep_checkpoints: Count = 2
    export_sequence_length: Count = 256
    prompt_rows: Count = 32
    max_new_tokens: Count = 24
    base_vocabulary: Annotated[int, Field(ge=300)] = 400
    processes: Count = 2
    """That train side by side, joined by gloo."""
