"""How a row becomes a conversation. Training, held-out loss and test all ask in just these words."""

from collections.abc import Sequence
from typing import Any

from .rows import Row

SYSTEM = (
    "You turn a question about a database into one SQL query. "
    "Use only the tables below, and answer with the query alone.\n\nTables:\n{context}"
)


def question(row: Row) -> list[dict[str, str]]:
    """The messages before the answer: the tables, then what is asked of them."""
    return [
        {"role": "system", "content": SYSTEM.format(context=row["context"])},
        {"role": "user", "content": row["question"]},
    ]


def conversation(row: Row) -> list[dict[str, str]]:
    return [*question(row), {"role": "assistant", "content": row["answer"]}]


def token_ids(tokenizer: Any, rows: Sequence[Row]) -> list[list[int]]:
    """Each row's whole conversation in tokens, closed by the end-of-text token (as seed guide 000 packs it)."""
    texts = tokenizer.apply_chat_template([conversation(row) for row in rows], tokenize=False)
    return [[*ids, tokenizer.eos_token_id] for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]


def open_prompt(tokenizer: Any, row: Row) -> str:
    """The question's text, open where the answer begins."""
    return tokenizer.apply_chat_template(question(row), tokenize=False, add_generation_prompt=True)
