"""The commands given to neuronx-nemo-megatron: what they say, and that it takes what they say."""

from typing import Any, get_args

import pytest

from workloads.programs.errors import UserError
from workloads.programs.megatron import repository
from workloads.programs.megatron.node import Place, check_together, place
from workloads.programs.megatron.pretraining import MODES, Command, Mode, compiling, environment, training

from .commands import arguments

FIRST = "train-abc-worker-0.train-abc.runs.svc.cluster.local"
THIRD = Place(2, 4, FIRST)


def settings(command: Command) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words(command))


def words(command: Command) -> list[str]:
    return list(command.argv[command.argv.index("--config-name=megatron_llama_config") + 1 :])


def test_the_command_says_what_the_seed_guide_trains() -> None:
    said = settings(training(arguments(), THIRD, None))
    guide = {
        "trainer.max_steps": "10000",
        "trainer.devices": "32",
        "trainer.num_nodes": "4",
        "model.encoder_seq_length": "4096",
        "model.max_position_embeddings": "4096",
        "model.hidden_size": "4096",
        "model.ffn_hidden_size": "11008",
        "model.num_layers": "32",
        "model.num_attention_heads": "32",
        "model.tensor_model_parallel_size": "8",
        "model.pipeline_model_parallel_size": "1",
        "model.micro_batch_size": "1",
        "model.global_batch_size": "256",
        "model.optim.lr": "0.0003",
        "model.optim.betas": "[0.9,0.95]",
        "model.optim.weight_decay": "0.1",
        "model.optim.sched.warmup_steps": "2000",
        "model.optim.sched.min_lr": "3e-05",
        "model.sequence_parallel": "True",
        "model.activations_checkpoint_granularity": "full",
    }
    assert {name: said[name] for name in guide} == guide


def test_what_the_guide_left_off_is_on() -> None:
    said = settings(training(arguments(), THIRD, None))
    assert said["exp_manager.resume_if_exists"] == "True"
    assert said["+exp_manager.checkpoint_callback_params.every_n_train_steps"] == "500"
    assert said["exp_manager.checkpoint_callback_params.save_last"] == "False"


def test_each_node_starts_its_processes_and_meets_the_others_at_the_first() -> None:
    argv = training(arguments(), THIRD, None).argv
    assert argv[:12] == (
        *("torchrun", "--nproc_per_node", "32", "--nnodes", "4", "--node_rank", "2"),
        *("--master_addr", FIRST, "--master_port", "41000", "megatron_gpt_pretraining.py"),
    )


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("checkpoint", [None, "/shared/x/megatron_llama--step=500-consumed_samples=128000.0.ckpt"])
def test_the_repository_takes_every_command(mode: str, checkpoint: str | None) -> None:
    given = arguments(mode=mode)
    for command in (training(given, THIRD, checkpoint), compiling(given, THIRD)):
        assert repository.misfits_of_settings(words(command)) == []


def test_compiling_differs_from_training_in_how_long_and_in_what_is_kept() -> None:
    """Anything else would compile other graphs than those that training asks for."""
    train, compiled = (settings(make) for make in (training(arguments(), THIRD, None), compiling(arguments(), THIRD)))
    differing = {name for name in {*train, *compiled} if train.get(name) != compiled.get(name)}
    assert {name.lstrip("+").split(".")[0] for name in differing} <= {
        *("trainer", "exp_manager", "async_checkpointing", "enable_checkpoint_removal_protection")
    }
    assert {name for name in differing if name.startswith("trainer")} == {
        *("trainer.max_steps", "trainer.val_check_interval")
    }
    assert compiled["trainer.max_steps"] == "4"
    assert compiling(arguments(), THIRD).environment == training(arguments(), THIRD, None).environment


def test_a_path_with_signs_of_hydras_own_reaches_it_whole() -> None:
    checkpoint = "/shared/a,b/megatron_llama--step=500-consumed_samples=1.0.ckpt"
    said = settings(training(arguments(), THIRD, checkpoint))
    assert said["+exp_manager.explicit_ckpt_path"] == f"'{checkpoint}'"


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("model.sed=3", "model.sed: unknown"),
        ("+model.seed=3", "+model.seed: the configuration has it: write it without +"),
        ("model.save_xser=True", "model.save_xser: the configuration lacks it: write it with +"),
        ("model.seed", "model.seed is not of the form name=value"),
        ("model.seed=", "model.seed= is not of the form name=value"),
    ],
)
def test_a_word_that_hydra_would_refuse_is_told(word: str, told: str) -> None:
    assert repository.misfits_of_settings([word]) == [told]


def test_a_setting_given_twice_is_told() -> None:
    assert repository.misfits_of_settings(["model.seed=1", "model.seed=2"]) == ["model.seed is given twice"]


def test_an_option_that_a_script_lacks_is_told() -> None:
    options = repository.CONVERTER_OPTIONS
    given = ["--path_to_checkpoints", "a", "--config-file", "--is_xser"]
    told = repository.misfits_of_options(given, options)
    assert told == ["--config-file is not an option of the script", "--config_file is missing"]
    assert repository.misfits_of_options(["--config_file", "--path_to_checkpoints", "b"], options)


def test_the_environment_follows_the_mode() -> None:
    fast, exact = environment(arguments()), environment(arguments(mode="fp32"))
    assert (fast["XLA_USE_BF16"], exact["XLA_USE_BF16"]) == ("1", "0")
    assert "--enable-mixed-precision-accumulation" in fast["NEURON_CC_FLAGS"]
    assert exact["NEURON_CC_FLAGS"].endswith("--auto-cast none")
    assert set(MODES) == set(get_args(Mode))


def test_nodes_without_a_fabric_are_not_told_of_one() -> None:
    assert environment(arguments())["FI_PROVIDER"] == "efa"
    assert not [name for name in environment(arguments(efa=False)) if name.startswith("FI_")]


def test_a_nodes_place_is_what_mpirun_and_the_launcher_say() -> None:
    mpi = {"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4", "MASTER_ADDR": FIRST}
    assert place(mpi) == THIRD
    assert place({**mpi, "MASTER_PORT": "29500"}).port == 29500
    assert place({}) == Place(0, 1, "localhost")


def test_nodes_that_are_told_no_place_to_meet_say_so() -> None:
    with pytest.raises(UserError, match="MASTER_ADDR is not set"):
        place({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"})


def test_fewer_nodes_than_the_batch_is_made_for_do_not_train() -> None:
    check_together(THIRD, 4)
    with pytest.raises(UserError, match="4 nodes were started, and the step is for 8"):
        check_together(THIRD, 8)


def test_changed_arguments_reach_the_command() -> None:
    changes: dict[str, Any] = {"max_steps": 20, "seed": 7, "global_batch": 512, "warmup_steps": 3}
    said = settings(training(arguments(**changes), THIRD, None))
    names = ("trainer.max_steps", "model.seed", "model.global_batch_size", "model.optim.sched.warmup_steps")
    assert [said[name] for name in names] == ["20", "7", "512", "3"]
