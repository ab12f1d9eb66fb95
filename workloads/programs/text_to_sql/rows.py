"""Rows of the text-to-SQL data set: a question, the CREATE TABLE statements it is asked of, and the SQL that answers.

They come from the Hugging Face Hub (`b-mc2/sql-create-context`, or a data set of the same form) or from a file of the
user's own with the same three fields.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from ..rows import Form

if TYPE_CHECKING:
    from datasets import Dataset

FIELDS = ("question", "context", "answer")
FORM = Form(FIELDS)


class Row(TypedDict):
    question: str
    context: str
    answer: str


def read_file(path: str) -> Iterator[Row]:
    return cast(Iterator[Row], FORM.read_file(path))


def load(dataset: str, revision: str, cache: Path) -> "Dataset":
    return FORM.load(dataset, revision, cache)
