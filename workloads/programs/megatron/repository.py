"""What the pinned neuronx-nemo-megatron takes: facts about its scripts, and whether a command line of ours fits them.

Its settings are Hydra's. One that the configuration file has is written `name=value`; one that only the code knows is
written `+name=value`. The wrong way round, or with a letter wrong, Hydra ends on every node after minutes of waiting.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ADDRESS = "https://github.com/aws-neuron/neuronx-nemo-megatron.git"
COMMIT = "f4743cef5a1c8dc9eeb6b3d128e01693e041a9be"
"""Of 2024-12-19: its release for SDK 2.21, and the last."""

IN_IMAGE = "/opt/neuronx-nemo-megatron"
HOME = os.environ.get("NEURONX_NEMO_MEGATRON", IN_IMAGE)
"""Where it is: an image of one's own that has it elsewhere says so by the variable."""
EXAMPLES = f"{HOME}/nemo/examples/nlp/language_modeling"
"""The folder to be in: the scripts import what lies beside them."""

CONFIG = "nemo/examples/nlp/language_modeling/conf/megatron_llama_config.yaml"
PRETRAINING = "megatron_gpt_pretraining.py"
CONVERTER = "checkpoint_conversion/convert_nemo_checkpoint_to_hf_llama.py"
PREPROCESS = f"{HOME}/nemo/scripts/nlp_language_modeling/preprocess_data_for_megatron.py"

DEFAULTS: Mapping[str, Any] = {
    "trainer.devices": 1,
    "trainer.num_nodes": 1,
    "trainer.max_epochs": -1,
    "trainer.max_steps": 100000,
    "trainer.val_check_interval": 100,
    "trainer.log_every_n_steps": 10,
    "trainer.limit_val_batches": 50,
    "trainer.limit_test_batches": 500,
    "trainer.accumulate_grad_batches": 1,
    "trainer.precision": 32,
    "trainer.gradient_clip_val": 1.0,
    "model.megatron_amp_O2": False,
    "model.tokenizer.type": "/root/scripts/data/llama7b-hf",
    "model.micro_batch_size": 4,
    "model.global_batch_size": 8,
    "model.tensor_model_parallel_size": 1,
    "model.pipeline_model_parallel_size": 1,
    "model.max_position_embeddings": "${.encoder_seq_length}",
    "model.encoder_seq_length": 512,
    "model.hidden_size": 768,
    "model.ffn_hidden_size": 3072,
    "model.num_layers": 12,
    "model.num_attention_heads": 12,
    "model.init_method_std": 0.02,
    "model.hidden_dropout": 0,
    "model.layernorm_epsilon": 1e-05,
    "model.seed": 1234,
    "model.data.data_prefix": "???",
    "model.data.index_mapping_dir": None,
    "model.data.num_workers": 1,
    "model.data.seq_length": "${model.encoder_seq_length}",
    "model.optim.name": "adamw",
    "model.optim.lr": 0.0002,
    "model.optim.betas": [0.9, 0.98],
    "model.optim.weight_decay": 0.01,
    "model.optim.sched.name": "CosineAnnealing",
    "model.optim.sched.warmup_steps": 500,
    "model.optim.sched.constant_steps": 50000,
    "model.optim.sched.min_lr": 2e-05,
    "model.optim.capturable": False,
    "model.sequence_parallel": True,
    "model.activations_checkpoint_granularity": "selective",
    "model.activations_checkpoint_method": "uniform",
    "model.activations_checkpoint_num_layers": 1,
    "model.wrap_with_zero": False,
    "model.zero_use_master_weight": False,
    "model.zero_use_fp32_grad_accum": False,
    "model.use_cpu_initialization": False,
    "exp_manager.create_tensorboard_logger": True,
    "exp_manager.resume_if_exists": True,
    "exp_manager.resume_ignore_no_checkpoint": True,
    "exp_manager.create_checkpoint_callback": True,
    "exp_manager.explicit_log_dir": None,
    "exp_manager.checkpoint_callback_params.save_top_k": 1,
    "exp_manager.checkpoint_callback_params.save_last": False,
    "async_checkpointing": False,
    "enable_checkpoint_removal_protection": True,
}
"""The settings in `CONFIG` that this recipe gives, with what they are there."""

ADDED: Mapping[str, str] = {
    "trainer.enable_progress_bar": "nemo/nemo/collections/nlp/parts/nlp_overrides.py",
    "model.save_xser": "nemo/nemo/collections/nlp/parts/nlp_overrides.py",
    "model.load_xser": "nemo/nemo/collections/nlp/parts/nlp_overrides.py",
    "model.use_flash_attention": "nemo/nemo/collections/nlp/models/language_modeling/megatron_gpt_model.py",
    "exp_manager.explicit_ckpt_path": "nemo/nemo/utils/exp_manager.py",
    "exp_manager.summary_writer_kwargs.flush_secs": "nemo/nemo/utils/exp_manager.py",
    "exp_manager.checkpoint_callback_params.dirpath": "nemo/nemo/utils/exp_manager.py",
    "exp_manager.checkpoint_callback_params.every_n_train_steps": "nemo/nemo/utils/exp_manager.py",
}
"""The settings that only the code knows, and the file that reads them."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a script that parses its own: those with a value, those without, and those that must be given."""

    values: frozenset[str]
    flags: frozenset[str]
    required: frozenset[str]


PREPROCESS_OPTIONS = Options(
    values=frozenset(
        (
            *("--input", "--json-keys", "--tokenizer-library", "--tokenizer-type", "--tokenizer-model"),
            *("--vocab-file", "--files-filter", "--merge-file", "--delimiter", "--output-prefix", "--dataset-impl"),
            *("--workers", "--chunk_size", "--log-interval"),
        )
    ),
    flags=frozenset(
        (
            *("--split-sentences", "--keep-newlines", "--text_file", "--append-eod", "--retrieval-db"),
            *("--need-pad-id", "--preproc-folder", "--apply-ftfy"),
        )
    ),
    required=frozenset(("--input", "--tokenizer-library", "--output-prefix")),
)
CONVERTER_OPTIONS = Options(
    values=frozenset(("--checkpoint_version", "--path_to_checkpoints", "--config_file", "--output_path", "--step")),
    flags=frozenset(("--is_xser", "--trn")),
    required=frozenset(("--path_to_checkpoints", "--config_file")),
)

SETTING = re.compile(r"(?P<plus>\+?)(?P<name>[a-zA-Z0-9_.]+)=(?P<value>.+)")


def misfits_of_settings(words: Sequence[str]) -> list[str]:
    """What is wrong with Hydra's `words`, one sentence a mistake; none where all is well."""
    found: list[str] = []
    seen: set[str] = set()
    for word in words:
        match = SETTING.fullmatch(word)
        name = match["name"] if match else ""
        if match is None:
            found.append(f"{word} is not of the form name=value")
        elif name in seen:
            found.append(f"{name} is given twice")
        elif match["plus"] and name not in ADDED:
            found.append(
                f"+{name}: {'the configuration has it: write it without +' if name in DEFAULTS else 'unknown'}"
            )
        elif not match["plus"] and name not in DEFAULTS:
            found.append(f"{name}: {'the configuration lacks it: write it with +' if name in ADDED else 'unknown'}")
        seen.add(name)
    return found


def misfits_of_options(words: Sequence[str], options: Options) -> list[str]:
    """What is wrong with `words` for a script that takes `options`."""
    found: list[str] = []
    given: set[str] = set()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        given.add(word)
        if word in options.values:
            if not rest or rest.pop(0).startswith("--"):
                found.append(f"{word} has no value")
        elif word not in options.flags:
            found.append(f"{word} is not an option of the script")
    return found + [f"{name} is missing" for name in sorted(options.required - given)]
