"""How a row becomes a text: seed guide 002's form. Training and generation ask in just these words.

A context that is empty, or white space, has no heading, in training as in generation.
"""

from collections.abc import Mapping
from typing import Any

from .rows import CONTEXT, INSTRUCTION, RESPONSE

SEPARATOR = "\n\n"


def open_prompt(row: Mapping[str, str]) -> str:
    """The instruction, and the context if there is one, up to where the answer begins."""
    parts = [f"### Instruction\n{row[INSTRUCTION]}"]
    if row.get(CONTEXT, "").strip():
        parts.append(f"### Context\n{row[CONTEXT]}")
    return SEPARATOR.join([*parts, "### Answer\n"])


def text(row: Mapping[str, str]) -> str:
    return open_prompt(row) + row[RESPONSE]


def begin(tokenizer: Any, prompt: str) -> str:
    """`prompt` with the token that the model's own texts begin with, if it has one."""
    return (tokenizer.bos_token or "") + prompt


def token_ids(batch: Mapping[str, list[str]], tokenizer: Any) -> list[list[int]]:
    """Every row of a batch of columns in tokens, closed by the end-of-text token."""
    names = list(batch)
    rows = [dict(zip(names, values, strict=True)) for values in zip(*batch.values(), strict=True)]
    texts = [begin(tokenizer, text(row)) for row in rows]
    return [[*ids, tokenizer.eos_token_id] for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
