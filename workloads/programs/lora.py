"""The adapter's configuration, one for both backends."""

from typing import TYPE_CHECKING

from .backends import Lora

if TYPE_CHECKING:
    from peft import LoraConfig


def peft_config(lora: Lora) -> "LoraConfig":
    from peft import LoraConfig

    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        use_rslora=lora.rank_stabilized,
        target_modules=list(lora.targets),
        bias="none",
        task_type="CAUSAL_LM",
    )
