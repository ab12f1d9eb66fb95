"""Parameters of the Dolly recipe, and what cannot work together among them.

Numbers not explained here are the seed guide's own.
"""

from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from .. import fitting
from ..fields import SAMPLES, TINY, Precision
from ..recipe import Fleet, Parameters

HEADS = 32
"""Attention heads of Llama 2 7B, which tensor-parallel degrees must divide."""

Share = Annotated[float, Field(gt=0, le=1)]


class Dolly(Parameters):
    """Parameters of the real run, on Trainium."""

    model: str = "meta-llama/Llama-2-7b-hf"
    model_revision: str = "main"
    dataset: str = "databricks/databricks-dolly-15k"
    dataset_revision: str = "main"
    train_rows: PositiveInt = 15_000
    eval_rows: PositiveInt = 300
    """Held out of the 15,011, of which the guide holds out none: about 40 blocks to look up the loss on."""
    shuffle_seed: NonNegativeInt = 42
    block_size: PositiveInt = 2048
    tensor_parallel_degree: PositiveInt = 8
    precision: Precision = "bf16"
    epochs: PositiveInt = 3
    max_steps: NonNegativeInt = 0
    """0 for as many as the epochs make."""
    micro_batch: PositiveInt = 1
    accumulation: PositiveInt = 16
    learning_rate: PositiveFloat = 5e-5
    warmup_steps: NonNegativeInt = 0
    weight_decay: NonNegativeFloat = 0.0
    max_grad_norm: PositiveFloat = 1.0
    seed: NonNegativeInt = 42
    gradient_checkpointing: bool = True
    log_every: PositiveInt = 10
    eval_every: PositiveInt = 20
    checkpoint_every: PositiveInt = 20
    """About 90 GB each: 14 of bf16 weights, and 12 bytes a weight of optimizer state in fp32."""
    keep_checkpoints: PositiveInt = 1
    prepare_processes: NonNegativeInt = 0
    export_cores: PositiveInt = 2
    export_batch: PositiveInt = 1
    export_sequence_length: PositiveInt = 2048
    prompts: str = ""
    """A JSONL file with instruction and context; without one, held-out rows are asked."""
    prompt_rows: PositiveInt = 10
    max_new_tokens: PositiveInt = 512
    temperature: PositiveFloat = 0.9
    top_k: PositiveInt = 50
    top_p: Share = 0.9
    generate_seed: NonNegativeInt = 42

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

    model: str = TINY
    dataset: str = str(SAMPLES / "dolly.jsonl")
    eval_rows: PositiveInt = 32
    block_size: PositiveInt = 128
    tensor_parallel_degree: PositiveInt = 1
    precision: Precision = "fp32"
    epochs: PositiveInt = 40
    micro_batch: PositiveInt = 4
    accumulation: PositiveInt = 2
    learning_rate: PositiveFloat = 4e-3
    warmup_steps: NonNegativeInt = 20
    gradient_checkpointing: bool = False
    eval_every: PositiveInt = 40
    checkpoint_every: PositiveInt = 100
    keep_checkpoints: PositiveInt = 2
    export_sequence_length: PositiveInt = 256
    prompt_rows: PositiveInt = 32
    max_new_tokens: PositiveInt = 24
    base_vocabulary: Annotated[int, Field(ge=300)] = 400
    processes: PositiveInt = 2
    """That train side by side, joined by gloo."""
