"""The pretraining recipe: the guide's numbers, and an arithmetic that comes out whole or is told."""

import pytest

from workloads.hardware import trainium
from workloads.recipes import RECIPES, Fleet, hashing
from workloads.recipes.step import Processor

RECIPE = RECIPES["llama2-7b-ray"]


def fleet(nodes: int, instance: str = "trn1.32xlarge") -> Fleet:
    return Fleet(trainium(instance), nodes, efa=True)


def misfits(nodes: int | None, **parameters: object) -> dict[str, str]:
    model = RECIPE.parameters if nodes else RECIPE.rehearsal
    return model(**parameters).misfits(fleet(nodes) if nodes else None)  # type: ignore[arg-type]


def train_arguments(nodes: int, **parameters: object) -> dict[str, object]:
    steps = RECIPE.steps(RECIPE.parameters(**parameters), fleet(nodes))  # type: ignore[arg-type]
    return next(dict(step.arguments) for step in steps if step.name == "train")


@pytest.mark.parametrize(("nodes", "accumulation"), [(1, 64), (2, 32), (4, 16), (16, 4)])
def test_accumulation_follows_from_the_global_batch(nodes: int, accumulation: int) -> None:
    arguments = train_arguments(nodes)
    assert arguments["accumulation"] == accumulation
    assert arguments["workers"] == 32 * nodes
    assert accumulation * nodes * 32 // 8 == 256


def test_a_global_batch_that_does_not_come_out_whole_is_told_with_the_arithmetic() -> None:
    found = misfits(3)
    assert list(found) == ["global_batch"]
    assert "256 / 1 / 12 = 21.33" in found["global_batch"]
    assert "DP = 3 nodes × 32 cores / TP 8 = 12" in found["global_batch"]
    assert "Set a multiple of 12, as 252" in found["global_batch"]
    assert not misfits(3, global_batch=252)


@pytest.mark.parametrize(
    ("parameters", "key", "words"),
    [
        ({"tensor_parallel_degree": 3}, "tensor_parallel_degree", "3 does not divide 32 (key_value_heads)"),
        ({"vocabulary": 32001}, "tensor_parallel_degree", "8 does not divide 32,001 (vocabulary)"),
        ({"key_value_heads": 24}, "key_value_heads", "24 does not divide the 32 attention heads"),
        ({"hidden_size": 4100}, "hidden_size", "4100 does not make heads of an even width"),
        ({"warmup_steps": 10_000}, "warmup_steps", "10000 leaves none of the 10000 steps"),
        ({"corpus": "/home/me/text.jsonl"}, "corpus", "no pod can read it. Put it under /shared/data"),
    ],
)
def test_what_cannot_work_together_is_told(parameters: dict[str, object], key: str, words: str) -> None:
    assert words in misfits(2, **parameters)[key]


def test_on_a_processor_one_copy_of_the_model_is_one_process() -> None:
    assert "set 1" in misfits(None, tensor_parallel_degree=2)["tensor_parallel_degree"]
    assert "DP = 3 workers = 3" in misfits(None, workers=3)["global_batch"]


def test_the_defaults_can_be_trained_with() -> None:
    assert [misfits(nodes) for nodes in (None, 1, 2, 4)] == [{}] * 4


def test_the_numbers_are_the_seed_guides() -> None:
    defaults = RECIPE.parameters().model_dump()
    guide = {"block_size": 4096, "global_batch": 256, "micro_batch": 1, "max_steps": 10_000, "learning_rate": 3e-4}
    model = {"hidden_size": 4096, "layers": 32, "heads": 32, "key_value_heads": 32, "feed_forward": 11008}
    more = {"vocabulary": 32000, "warmup_steps": 100, "weight_decay": 0.01, "seed": 12349, "tensor_parallel_degree": 8}
    wanted = {**guide, **model, **more, "rms_norm_eps": 1e-5, "compile_steps": 10}
    assert {key: defaults[key] for key in wanted} == wanted


def test_training_comes_after_compiling_and_does_not_depend_on_it() -> None:
    steps = {step.name: step for step in RECIPE.steps(RECIPE.parameters(), fleet(2))}
    assert list(steps) == ["prepare", "compile", "train", "consolidate", "test"]
    assert steps["train"].after == ("compile",)
    assert "compile" not in steps["train"].needs
    more = {step.name: step for step in RECIPE.steps(RECIPE.parameters.model_validate({"compile_steps": 20}), fleet(2))}
    one, other = (hashing.hashes(made.values()) for made in (steps, more))
    assert one["compile"] != other["compile"]
    assert one["train"] == other["train"]


def test_no_trainium_waits_for_data_or_for_a_test() -> None:
    for step in RECIPE.steps(RECIPE.parameters(), fleet(2)):
        assert (step.launcher == "ray") == (step.name in ("compile", "train"))
        assert isinstance(step.placement, Processor) == (step.name not in ("compile", "train"))
