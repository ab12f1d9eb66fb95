"""The Megatron recipe as data: the guide's numbers, what runs anew, and what is refused with the arithmetic."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import HfArgumentParser

from stacks.platforms.eks_images import dockerfile
from tests.conftest import as_argv
from workloads.hardware import trainium
from workloads.programs import entry, folders
from workloads.programs.megatron import check, repository
from workloads.programs.megatron.check import Arguments
from workloads.recipes import RECIPES, Fleet, hashing
from workloads.recipes.megatron.parameters import Megatron
from workloads.recipes.megatron.steps import MEGATRON_IMAGE
from workloads.recipes.step import Neuron, Processor, Step

RECIPE = RECIPES["llama2-7b-megatron"]
FOUR = Fleet(trainium("trn1.32xlarge"), 4, efa=True)
MPI = ("compile", "train")


def steps(fleet: Fleet | None = FOUR, **parameters: Any) -> dict[str, Step]:
    model = RECIPE.parameters if fleet else RECIPE.rehearsal
    return {step.name: step for step in RECIPE.steps(model(**parameters), fleet)}


def hashes(fleet: Fleet = FOUR, **parameters: Any) -> dict[str, str]:
    """All but that of the last step, `test`, on which nothing depends."""
    return hashing.hashes([*steps(fleet, **parameters).values()][:-1])


def misfit(fleet: Fleet | None = FOUR, **parameters: Any) -> dict[str, str]:
    return Megatron(**parameters).misfits(fleet)


def test_the_steps_are_those_of_the_guide_each_where_it_belongs() -> None:
    found = steps()
    assert [*found] == ["tokenizer", "download", "tokenize", "compile", "train", "convert", "test"]
    assert all(isinstance(found[name].placement, Neuron if name in MPI else Processor) for name in found)
    assert {name: found[name].launcher for name in found} == {name: "mpi" if name in MPI else "job" for name in found}
    assert [name for name in found if found[name].needs_token] == ["tokenizer"]
    assert [name for name in found if found[name].resumes] == ["train"]


def test_training_waits_for_the_graphs_and_does_not_depend_on_them() -> None:
    train = steps()["train"]
    assert "compile" not in train.needs
    assert "compile" in train.waits_for([*steps()])


def test_what_is_compiled_is_what_is_trained() -> None:
    found = steps()
    assert found["compile"].arguments == found["train"].arguments
    assert found["compile"].placement == found["train"].placement


def test_the_price_of_three_days_on_four_nodes_is_told() -> None:
    train = steps()["train"]
    assert 60 < train.minutes / 60 < 80
    launcher = 0.4032  # an m7i.2xlarge, on which mpirun is
    assert train.dollars == pytest.approx((4 * 21.50 + launcher) * train.minutes / 60)
    assert train.limit_hours > 2 * train.minutes / 60


def test_tokenizing_holds_no_neuron_node() -> None:
    tokenize = steps()["tokenize"]
    assert tokenize.placement.vcpus == 32
    assert tokenize.dollars is not None
    assert tokenize.dollars < 2


@pytest.mark.parametrize(
    ("parameters", "anew"),
    [
        ({"learning_rate": 1e-4}, {"compile", "train", "convert"}),
        ({"max_steps": 20_000}, {"compile", "train", "convert"}),
        ({"mode": "fp32"}, {"compile", "train", "convert"}),
        ({"held_out_share": 0.01}, {"download", "tokenize", "compile", "train", "convert"}),
        ({"tokenizer_revision": "v2"}, {"tokenizer", "tokenize", "compile", "train", "convert"}),
        ({"sequence_length": 2048}, {"tokenize", "compile", "train", "convert"}),
        ({"checkpoint_every": 100}, set()),
        ({"keep_checkpoints": 5}, set()),
        ({"tokenize_processes": 4}, set()),
        ({"test_blocks": 1}, set()),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_parameter_runs_again_just_what_depends_on_it(parameters: dict[str, Any], anew: set[str]) -> None:
    before, after = hashes(), hashes(**parameters)
    assert {name for name in before if before[name] != after[name]} == anew


def test_more_nodes_train_anew_and_tokenize_nothing() -> None:
    before, after = hashes(), hashes(Fleet(trainium("trn1.32xlarge"), 8, efa=True))
    assert {name for name in before if before[name] != after[name]} == {"compile", "train", "convert"}


def test_the_defaults_fit_on_every_number_of_nodes_that_the_batch_divides_by() -> None:
    for nodes in (1, 2, 4, 8, 16):
        assert misfit(Fleet(trainium("trn1.32xlarge"), nodes, efa=True)) == {}
    assert misfit(None, dataset=RECIPE.rehearsal().model_dump()["dataset"]) == {}


def test_a_batch_that_the_ranks_do_not_divide_is_refused_with_the_arithmetic() -> None:
    assert misfit(global_batch=250) == {
        "global_batch": "250 is not a multiple of 16: 4 × 32 = 128 NeuronCores / 8 / 1 = 16 data-parallel ranks, "
        "× micro_batch 1 = 16. Allowed: 240 or 256"
    }
    assert "Allowed: 256" in misfit(global_batch=100, micro_batch=16)["global_batch"]


def test_a_world_that_the_degrees_do_not_divide_is_refused_with_the_arithmetic() -> None:
    three = Fleet(trainium("trn1.32xlarge"), 3, efa=True)
    found = misfit(three, tensor_parallel_degree=32, pipeline_parallel_degree=4)
    assert found == {
        "tensor_parallel_degree": "32 × 4 (pipeline_parallel_degree) = 128 does not divide 3 × 32 = 96 NeuronCores"
    }


@pytest.mark.parametrize(
    ("parameters", "key", "told"),
    [
        ({"checkpoint_every": 300}, "checkpoint_every", "300 does not divide max_steps, 10000"),
        ({"warmup_steps": 10_000}, "warmup_steps", "10000 leaves none of the 10000 steps"),
        ({"tensor_parallel_degree": 5}, "tensor_parallel_degree", "5 does not divide the model's 32 attention heads"),
        ({"pipeline_parallel_degree": 3}, "pipeline_parallel_degree", "3 does not divide the model's 32 layers"),
        ({"sequence_length": 4100, "tensor_parallel_degree": 8}, "sequence_length", "4100 is not a multiple of the 8"),
        ({"tokenizer": "tiny"}, "tokenizer", "tiny is for rehearsals alone"),
        ({"dataset": "/home/me/text.jsonl"}, "dataset", "Put it under /shared/data"),
    ],
)
def test_what_cannot_be_is_refused(parameters: dict[str, Any], key: str, told: str) -> None:
    assert told in misfit(**parameters)[key]


def test_a_corpus_on_the_shared_volume_is_taken() -> None:
    assert misfit(dataset="/shared/data/text.jsonl") == {}


def test_the_image_is_the_repository_at_its_commit_and_its_key_covers_all_of_it() -> None:
    text = dockerfile(MEGATRON_IMAGE)
    assert text.startswith(f"FROM {MEGATRON_IMAGE.base}\n")
    assert f"git fetch -q --depth 1 {repository.ADDRESS} {repository.COMMIT}" in text
    assert "./build.sh" in text
    assert "openssh-server" in text
    assert MEGATRON_IMAGE.checkout
    for part in (repository.COMMIT, "openssh-server", "tensorboard==2.14.1", *MEGATRON_IMAGE.checkout.build):
        assert part in MEGATRON_IMAGE.key
    assert "public.ecr.aws" not in MEGATRON_IMAGE.key


def test_what_a_rehearsal_leaves_out_is_named_with_the_reason() -> None:
    left = {*steps()} - {*steps(None)}
    assert {*RECIPE.only_on_neuron} == left
    assert [*steps(None)] == ["tokenizer", "download", "tokenize", "check"]


# the step check


def checked(tmp_path: Path, **changes: Any) -> int:
    """The step check of a rehearsal, as its recipe gives it, on folders that are done."""
    for name in ("data", "tokenizer"):
        (tmp_path / name).mkdir(exist_ok=True)
        folders.mark_done(tmp_path / name)
    step = steps(None)["check"]
    given = {**step.arguments, **step.tuning, "data": tmp_path / "data", "tokenizer": tmp_path / "tokenizer"}
    return entry.main(Arguments, check.check, as_argv({"out": tmp_path / "check", **given, **changes}))


def test_the_rehearsal_checks_every_command_of_every_node(tmp_path: Path) -> None:
    assert checked(tmp_path) == 0
    found = json.loads((tmp_path / "check" / "commands.json").read_text())
    for step in ("compile", "train", "resumed train"):
        assert [one["node"] for one in found if one["step"] == step] == [0, 1, 2, 3]
    assert {one["step"] for one in found} == {"compile", "train", "resumed train", "tokenize", "convert"}
    assert all(one["command"]["environment"]["XLA_USE_BF16"] == "1" for one in found if one["step"] == "train")


def test_a_command_that_the_repository_would_not_take_fails_the_rehearsal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fewer = {name: value for name, value in repository.DEFAULTS.items() if name != "model.seed"}
    monkeypatch.setattr(repository, "DEFAULTS", fewer)
    assert checked(tmp_path) == 2
    told = capsys.readouterr().err
    assert "train, node 3: model.seed: unknown" in told
    assert not folders.is_done(tmp_path / "check")


def test_the_recipes_arguments_are_those_of_the_programs() -> None:
    from workloads.programs.megatron import convert, download, preprocess, pretraining, tokenizer

    programs = {
        "tokenizer": tokenizer.Arguments,
        "download": download.Arguments,
        "tokenize": preprocess.Arguments,
        "compile": pretraining.Arguments,
        "train": pretraining.Arguments,
        "convert": convert.Arguments,
    }
    for name, arguments in programs.items():
        step = steps()[name]
        given = {key: str(value) for key, value in {**step.arguments, **step.tuning}.items()}
        (parsed,) = HfArgumentParser(arguments).parse_args_into_dataclasses(args=as_argv({"out": "x", **given}))  # type: ignore[arg-type]
        for key, value in {**step.arguments, **step.tuning}.items():
            if isinstance(value, (int, float, bool)):
                assert getattr(parsed, key) == value, key
