"""The step `train` of recipes that train with the project's own loop, under torchrun."""

from . import compiling, estimating
from .images import NEURON_TRAINING
from .recipe import Fleet, Parameters, every_node
from .step import RESUME_FROM, Arguments, Folder, Step

ARGUMENTS = {
    *("tensor_parallel_degree", "precision", "lora_rank", "lora_alpha", "lora_dropout", "lora_rank_stabilized"),
    *("lora_targets", "epochs", "max_steps", "micro_batch", "accumulation", "learning_rate", "warmup_steps"),
    *("weight_decay", "max_grad_norm", "seed"),
}
"""Parameters that change the result, of which each recipe has those that its program takes."""

TUNING = {"gradient_checkpointing", "log_every", "eval_every", "checkpoint_every", "keep_checkpoints"}
"""Parameters that change no result."""


def train_step(
    parameters: Parameters,
    fleet: Fleet | None,
    *,
    program: str,
    model: Arguments,
    fixed: Arguments,
    minutes: float,
    least_hours: float,
) -> Step:
    """Trains `model` on what the step `prepare` leaves; `fixed` are arguments that no parameter of the recipe sets.

    It is stopped after `least_hours` at the earliest, and later where it is expected to take long.
    """
    return Step(
        name="train",
        program=program,
        arguments={
            "data": Folder("prepare"),
            **model,
            "backend": "neuron" if fleet else "cpu",
            **fixed,
            **parameters.model_dump(include=ARGUMENTS),
            RESUME_FROM: "",
        },
        tuning=parameters.model_dump(include=TUNING),
        placement=every_node(fleet),
        launcher="job",
        image=NEURON_TRAINING,
        minutes=minutes,
        limit_hours=estimating.limit_hours(minutes, least_hours),
        needs_token=parameters.uses_token(),
        resumes=True,
        after=(compiling.NAME,),
    )
