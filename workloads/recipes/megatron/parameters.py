"""Parameters of the Megatron recipe, and what cannot work together among them.

Numbers not explained here are the seed guide's own.
"""

from typing import Annotated, Literal

from pydantic import Field

from ...hardware import trainium
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

SAMPLE = SAMPLES / "text.jsonl"
"""Pages, as text to pretrain on."""

HEADS, LAYERS = 32, 32
"""Of Llama 2 7B: what its tensor- and pipeline-parallel degrees must divide."""

REHEARSED = Fleet(trainium("trn1.32xlarge"), 4, efa=True)
"""The seed guide's nodes, for which a rehearsal checks the commands that it cannot run."""

Share = Annotated[float, Field(gt=0, lt=1)]
Mode = Literal["bf16SR", "fp32_ZeroOptMaster", "fp32_ZeroOptMasterGradAcc", "megatron_amp_O2", "fp32_OptStates", "fp32"]

PROMPTS = ("The history of science begins", "def fibonacci(n):", "Dear editor,", "The theorem states that")
"""Beginnings of the kinds of text that RedPajama's sample has."""


class Megatron(Parameters):
    """Parameters of the real run, on Trainium."""

    tokenizer: HubName = "meta-llama/Llama-2-7b-hf"
    tokenizer_revision: str = "main"
    dataset: HubName = "togethercomputer/RedPajama-Data-1T-Sample"
    dataset_revision: str = "main"
    held_out_share: Share = 0.001
    """Of some 930,000 documents, 930: about a million tokens, 240 blocks of 4096."""
    sequence_length: Count = 4096
    tensor_parallel_degree: Count = 8
    pipeline_parallel_degree: Count = 1
    micro_batch: Count = 1
    global_batch: Count = 256
    max_steps: Steps = 10_000
    warmup_steps: StepsOrNone = 2000
    learning_rate: Amount = 3e-4
    min_learning_rate: Amount = 3e-5
    weight_decay: AmountOrNone = 0.1
    max_grad_norm: Amount = 1.0
    mode: Mode = "bf16SR"
    seed: Seed = 1234
    checkpoint_every: Count = 500
    """Some 81 GB each, nine minutes of writing at the 146 MB/s of the default file system: 4% of the three and a half
    hours between two, which are what a lost node costs at the most."""
    keep_checkpoints: Count = 2
    tokenize_processes: CountOrNone = 0
    precision: Precision = "bf16"
    """Of the weights in the test."""
    test_blocks: Count = 32
    test_prompts: tuple[str, ...] = PROMPTS
    test_max_new_tokens: Count = 64
    test_batch: Count = 1

    def uses_token(self) -> bool:
        return self.tokenizer.startswith("meta-llama/")

    def misfits(self, fleet: Fleet | None) -> dict[str, str]:
        found = fitting.told(
            {
                "tokenizer": fitting.misfit_of_name(self.tokenizer, fleet),
                "dataset": fitting.misfit_of_file(self.dataset, fleet, (".jsonl",)),
                "warmup_steps": fitting.misfit_of_warmup(self.warmup_steps, self.max_steps),
                "checkpoint_every": self._misfit_of_checkpoints(),
            }
        )
        if HEADS % self.tensor_parallel_degree:
            found["tensor_parallel_degree"] = (
                f"{self.tensor_parallel_degree} does not divide the model's {HEADS} attention heads"
            )
        elif self.sequence_length % self.tensor_parallel_degree:
            found["sequence_length"] = (
                f"{self.sequence_length} is not a multiple of the {self.tensor_parallel_degree} NeuronCores that share "
                "a sequence (tensor_parallel_degree)"
            )
        if LAYERS % self.pipeline_parallel_degree:
            found["pipeline_parallel_degree"] = (
                f"{self.pipeline_parallel_degree} does not divide the model's {LAYERS} layers"
            )
        return found or self._misfits_of_batch(fleet or REHEARSED)

    def _misfit_of_checkpoints(self) -> str | None:
        if self.max_steps % self.checkpoint_every == 0:
            return None
        return (
            f"{self.checkpoint_every} does not divide max_steps, {self.max_steps}: NeMo would save no checkpoint "
            "at the last step"
        )

    def _misfits_of_batch(self, fleet: Fleet) -> dict[str, str]:
        """World size = nodes × cores; DP = world / TP / PP; global batch = micro × DP × accumulation."""
        tensor, pipeline, world = self.tensor_parallel_degree, self.pipeline_parallel_degree, fleet.neuron_cores
        cores = fitting.world_size(fleet)
        if world % (tensor * pipeline):
            return {
                "tensor_parallel_degree": f"{tensor} × {pipeline} (pipeline_parallel_degree) = {tensor * pipeline} "
                f"does not divide {cores}"
            }
        ranks = world // tensor // pipeline
        at_once = self.micro_batch * ranks
        if self.global_batch % at_once:
            below, above = self.global_batch // at_once * at_once, -(-self.global_batch // at_once) * at_once
            allowed = " or ".join(str(one) for one in (below, above) if one)
            return {
                "global_batch": f"{self.global_batch} is not a multiple of {at_once}: {cores} / {tensor} / {pipeline} "
                f"= {ranks} data-parallel ranks, × micro_batch {self.micro_batch} = {at_once}. Allowed: {allowed}"
            }
        return {}


class MegatronRehearsal(Megatron):
    """Its data steps on this machine, over the project's own pages; the rest is the real run's, and is only checked."""

    tokenizer: HubName = TINY
    dataset: HubName = str(SAMPLE)
    held_out_share: Share = 0.1
    sequence_length: Count = 256
