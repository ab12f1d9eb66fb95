"""Rows of the text-to-SQL data set: a question, the CREATE TABLE statements it is asked of, and the SQL that answers.

They come from the Hugging Face Hub (`b-mc2/sql-create-context`, or a data set of the same form) or from a file of the
user's own with one JSON object a line and the same three fields.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from ..errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset

FIELDS = ("question", "context", "answer")


class Row(TypedDict):
    question: str
    context: str
    answer: str


def is_file(dataset: str) -> bool:
    """Whether `dataset` names a file rather than a data set on the Hub; a Hub name never ends in .jsonl."""
    return dataset.endswith((".jsonl", ".json")) or Path(dataset).is_file()


def read_file(path: str) -> Iterator[Row]:
    """The rows of a JSONL file, one at a time; UserError names file, line and what is wrong there."""
    empty = True
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    empty = False
                    yield _row(line, f"{path}, line {number}")
    except FileNotFoundError:
        raise UserError(
            f"{path}: there is no such file. Give the path of a JSONL file, or a data set's name."
        ) from None
    except (IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
    if empty:
        raise UserError(f"{path} is empty. It needs one JSON object a line with {_FIELDS_IN_WORDS}.")


_FIELDS_IN_WORDS = "the text fields " + ", ".join(f'"{field}"' for field in FIELDS)


def _row(line: bytes, where: str) -> Row:
    try:
        row = json.loads(line)
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: not UTF-8 (byte {error.start + 1}). Save the file as UTF-8.") from None
    except ValueError as error:
        raise UserError(f"{where}: not JSON ({error}). Each line is one JSON object with {_FIELDS_IN_WORDS}.") from None
    if not isinstance(row, dict):
        raise UserError(f"{where}: a {type(row).__name__} instead of a JSON object with {_FIELDS_IN_WORDS}.")
    for field in FIELDS:
        if field not in row:
            raise UserError(f'{where}: the field "{field}" is missing. Each line needs {_FIELDS_IN_WORDS}.')
        if not isinstance(row[field], str) or not row[field].strip():
            raise UserError(f'{where}: the field "{field}" holds {json.dumps(row[field])[:40]} instead of a text.')
    return cast(Row, {field: row[field] for field in FIELDS})


def load(dataset: str, revision: str, cache: Path) -> "Dataset":
    """All rows of `dataset`, memory-mapped. A file is turned into Arrow under `cache`; the Hub's client has its own."""
    from datasets import Dataset, Features, Value, disable_progress_bars

    disable_progress_bars()
    if is_file(dataset):
        features = Features({field: Value("string") for field in FIELDS})
        rows = _told_apart(
            lambda: Dataset.from_generator(read_file, features, str(cache), gen_kwargs={"path": dataset})
        )
        return cast(Dataset, rows)
    return _from_hub(dataset, revision)


def _told_apart(make):  # type: ignore[no-untyped-def]
    """`datasets` wraps what a generator raises; a person is to see the mistake itself."""
    try:
        return make()
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, UserError):
            cause = cause.__cause__ or cause.__context__
        raise cause or error from None


def _from_hub(dataset: str, revision: str) -> "Dataset":
    from datasets import Dataset, load_dataset
    from datasets.exceptions import DatasetNotFoundError

    try:
        rows = cast(Dataset, load_dataset(dataset, split="train", revision=revision))
    except DatasetNotFoundError as error:
        raise UserError(f"{dataset}: {error} A file of your own ends in .jsonl.") from None
    except (ConnectionError, OSError) as error:
        raise UserError(f"{dataset}: the Hugging Face Hub cannot be reached ({error}).") from None
    missing = [field for field in FIELDS if field not in rows.column_names]
    if missing:
        raise UserError(f"{dataset} has the fields {rows.column_names}, but needs {_FIELDS_IN_WORDS}.")
    return rows.select_columns(list(FIELDS))
