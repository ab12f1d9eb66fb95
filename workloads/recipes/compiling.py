"""The step `compile`, made from the step that trains: the same program's graphs, on the same nodes, compiled before."""

from dataclasses import replace

from .step import RESUME_FROM, Arguments, Step

NAME = "compile"

COLD_MINUTES = 40.0
"""Seed guide 002: all graphs of Llama 2 7B on one trn1.32xlarge with no cache."""

NOTED_STEPS = 10
"""Training steps to note down: seed guide 002's. The first differs from the others."""

MANY_STEPS = 1000
"""In place of a number of steps that follows from epochs. At none in all the learning rate would be 0, and 0 is noted
down as a graph of its own."""

SHAPING = (
    *("data", "model", "model_revision", "backend", "tensor_parallel_degree", "precision", "lora_rank", "lora_alpha"),
    *("lora_dropout", "lora_rank_stabilized", "lora_targets", "micro_batch", "accumulation", "learning_rate"),
    *("warmup_steps", "weight_decay", "max_grad_norm", "gradient_checkpointing"),
)
"""Arguments of training that decide which graphs there are. Neuron's documentation counts hyperparameters of the
optimizer among them: a number that is 0 or 1, or that never changes, can become part of a graph."""

WITHOUT_DEVICE = "there is no compiler and no graph without a Neuron device"


def compile_step(train: Step) -> Step:
    """Compiles what `train` computes; `train` itself should come `after` it.

    Whatever decides no graph is handed on as tuning, so that another seed or more steps compile nothing.
    """
    given: Arguments = {**train.arguments, **train.tuning}
    others = {name: value for name, value in given.items() if name not in (*SHAPING, "epochs")}
    others["max_steps"] = given["max_steps"] or MANY_STEPS
    return replace(
        train,
        name=NAME,
        program="programs.compile",
        arguments={**{name: given[name] for name in SHAPING}, "steps": NOTED_STEPS},
        tuning={**others, RESUME_FROM: ""},
        minutes=COLD_MINUTES,
        limit_hours=4,
        resumes=False,
        after=(),
    )
