"""A step's hash changes with what its result depends on, and with nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.made_up import different_rows
from tests.conftest import write_rows
from workloads.hardware import trainium
from workloads.recipes import RECIPES, Fleet, Recipe, hashing, sources
from workloads.recipes.images import NEURON_TRAINING as IMAGE

ALL = {"prepare", "compile", "train", "consolidate", "test"}
TRAINED = {"train", "consolidate", "test"}
AFTER_TRAIN = {"compile", *TRAINED}


@pytest.fixture(params=["llama3-8b-lora", "llama3-8b-text-to-sql"])
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return RECIPES[request.param]


def fleet(name: str = "trn1.32xlarge", nodes: int = 1, efa: bool = True) -> Fleet:
    return Fleet(trainium(name), nodes, efa)


def changed(recipe: Recipe, on: Fleet | None = None, **parameters: Any) -> set[str]:
    """The steps whose hash differs from that of the recipe's defaults on one trn1.32xlarge."""
    before = hashing.hashes(recipe.steps(recipe.parameters(), fleet()))
    after = hashing.hashes(recipe.steps(recipe.parameters(**parameters), on or fleet()))
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("parameters", "steps"),
    [
        ({"learning_rate": 2e-5}, AFTER_TRAIN),
        ({"lora_rank": 16}, AFTER_TRAIN),
        ({"max_steps": 300}, TRAINED),
        ({"seed": 1}, TRAINED),
        ({"tensor_parallel_degree": 16}, AFTER_TRAIN),
        ({"block_size": 2048}, ALL),
        ({"dataset_revision": "v2"}, ALL),
        ({"tokenizer": "other/tokenizer"}, ALL),
        ({"model": "other/model"}, AFTER_TRAIN),
        ({"test_rows": 10}, {"test"}),
        ({"log_every": 1}, set()),
        ({"eval_every": 1}, set()),
        ({"checkpoint_every": 1}, set()),
        ({"keep_checkpoints": 9}, set()),
        ({"gradient_checkpointing": False}, {"compile"}),
        ({"prepare_processes": 3}, set()),
        ({"test_examples": 1}, set()),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),  # the same in every process
)
def test_a_parameter_runs_again_just_what_depends_on_it(
    recipe: Recipe, parameters: dict[str, Any], steps: set[str]
) -> None:
    assert changed(recipe, **parameters) == steps


@pytest.mark.parametrize(
    ("parameters", "steps"),
    [
        ({"learning_rate": 2e-5}, {"compile", "train", "consolidate", "export", "generate"}),
        ({"epochs": 4}, {"train", "consolidate", "export", "generate"}),
        ({"max_steps": 9}, {"train", "consolidate", "export", "generate"}),
        ({"export_cores": 4}, {"export", "generate"}),
        ({"prompts": "/shared/data/mine.jsonl"}, {"generate"}),
        ({"temperature": 0.5}, {"consolidate", "export", "generate"}),
        ({"max_new_tokens": 9}, {"generate"}),
        ({"checkpoint_every": 1}, set()),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_parameter_of_dolly_runs_again_just_what_depends_on_it(parameters: dict[str, Any], steps: set[str]) -> None:
    assert changed(RECIPES["llama2-7b-dolly"], **parameters) == steps


def test_more_processes_train_anew_and_prepare_nothing(recipe: Recipe) -> None:
    assert changed(recipe, on=fleet(nodes=2)) == AFTER_TRAIN


def test_the_network_between_nodes_changes_no_result(recipe: Recipe) -> None:
    assert changed(recipe, on=fleet(efa=False)) == set()


def test_trn1n_computes_what_trn1_computes(recipe: Recipe) -> None:
    assert changed(recipe, on=fleet("trn1n.32xlarge")) == set()


def test_a_mirror_of_the_image_is_the_same_image(recipe: Recipe) -> None:
    steps = recipe.steps(recipe.parameters(), fleet())
    mirror = replace(IMAGE, base=IMAGE.base.replace("public.ecr.aws", "registry.example.com"))
    mirrored = [replace(step, image=mirror) for step in steps]
    newer = [replace(step, image=replace(IMAGE, base=IMAGE.base.replace("2.26.1", "2.27.0"))) for step in steps]
    assert hashing.hashes(mirrored) == hashing.hashes(steps)
    assert not set(hashing.hashes(newer).values()) & set(hashing.hashes(steps).values())


def test_limits_and_expectations_change_no_hash(recipe: Recipe) -> None:
    steps = recipe.steps(recipe.parameters(), fleet())
    other = [
        replace(step, minutes=step.minutes * 2, limit_hours=99, needs_token=not step.needs_token) for step in steps
    ]
    assert hashing.hashes(other) == hashing.hashes(steps)


def test_the_order_in_which_arguments_are_written_changes_no_hash(recipe: Recipe) -> None:
    steps = recipe.steps(recipe.parameters(), fleet())
    turned = [replace(step, arguments=dict(reversed(step.arguments.items()))) for step in steps]
    assert hashing.hashes(turned) == hashing.hashes(steps)


def test_a_data_file_counts_by_its_content_not_by_its_place(recipe: Recipe, tmp_path: Path) -> None:
    def first(path: Path) -> str:
        steps = recipe.steps(recipe.rehearsal(dataset=str(path)), None)  # type: ignore[call-arg]
        return hashing.hashes(steps)[steps[0].name]

    one = write_rows(tmp_path / "one.jsonl", different_rows(3))
    moved = write_rows(tmp_path / "two.jsonl", different_rows(3))
    other = write_rows(tmp_path / "three.jsonl", different_rows(4))
    assert first(one) == first(moved) != first(other)


def test_a_change_to_a_programs_sources_changes_the_steps_that_import_them(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashing.hashes(recipe.steps(recipe.parameters(), fleet()))
    digest = sources.digest
    edited = {step.program for step in recipe.steps(recipe.parameters(), fleet()) if "sql.py" in names(step.program)}
    monkeypatch.setattr(sources, "digest", lambda program: "edited" if program in edited else digest(program))
    after = hashing.hashes(recipe.steps(recipe.parameters(), fleet()))
    assert {name for name in before if before[name] != after[name]} == {"test"}


def names(program: str) -> set[str]:
    return {path.name for path in sources.closure(program)}


def test_a_hash_is_the_same_on_every_machine(recipe: Recipe) -> None:
    """Nothing of this machine's paths is in it."""
    steps = recipe.steps(recipe.parameters(), fleet())
    known: dict[str, str] = {}
    for step in steps:
        assert str(Path.home()) not in str(hashing.identity(step, known))
        assert str(sources.ROOT) not in str(hashing.identity(step, known))
        known = hashing.hashes(steps[: steps.index(step) + 1])
