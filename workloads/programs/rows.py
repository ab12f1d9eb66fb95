"""Rows of text fields: from the Hugging Face Hub by a data set's name, or from a file with one JSON object a line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset


def is_file(dataset: str) -> bool:
    """Whether `dataset` names a file rather than a data set on the Hub; a Hub name never ends in .jsonl."""
    return dataset.endswith((".jsonl", ".json")) or Path(dataset).is_file()


@dataclass(frozen=True)
class Form:
    """The text fields that each row has. Those in `may_be_empty` may hold nothing, or be missing."""

    fields: tuple[str, ...]
    may_be_empty: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        return "the text fields " + ", ".join(f'"{field}"' for field in self.fields)

    def read_file(self, path: str) -> Iterator[dict[str, str]]:
        """The rows of a JSONL file, one at a time; UserError names file, line and what is wrong there."""
        empty = True
        try:
            with open(path, "rb") as file:
                for number, line in enumerate(file, start=1):
                    if line.strip():
                        empty = False
                        yield self._row(line, f"{path}, line {number}")
        except FileNotFoundError:
            raise UserError(
                f"{path}: there is no such file. Give the path of a JSONL file, or a data set's name."
            ) from None
        except (IsADirectoryError, PermissionError) as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}).") from None
        if empty:
            raise UserError(f"{path} is empty. It needs one JSON object a line with {self.in_words}.")

    def _row(self, line: bytes, where: str) -> dict[str, str]:
        try:
            row = json.loads(line)
        except UnicodeDecodeError as error:
            raise UserError(f"{where}: not UTF-8 (byte {error.start + 1}). Save the file as UTF-8.") from None
        except ValueError as error:
            raise UserError(
                f"{where}: not JSON ({error}). Each line is one JSON object with {self.in_words}."
            ) from None
        if not isinstance(row, dict):
            raise UserError(f"{where}: a {type(row).__name__} instead of a JSON object with {self.in_words}.")
        return {field: self._text(row, field, where) for field in self.fields}

    def _text(self, row: dict[str, Any], field: str, where: str) -> str:
        optional = field in self.may_be_empty
        if field not in row and not optional:
            raise UserError(f'{where}: the field "{field}" is missing. Each line needs {self.in_words}.')
        value = row.get(field, "")
        if not isinstance(value, str) or not (optional or value.strip()):
            raise UserError(f'{where}: the field "{field}" holds {json.dumps(value)[:40]} instead of a text.')
        return value

    def load(self, dataset: str, revision: str, cache: Path) -> "Dataset":
        """All rows of `dataset`, memory-mapped. A file is made Arrow under `cache`; the Hub's client has its own."""
        from datasets import Dataset, Features, Value, disable_progress_bars

        disable_progress_bars()
        if is_file(dataset):
            features = Features({field: Value("string") for field in self.fields})
            rows = _told_apart(
                lambda: Dataset.from_generator(self.read_file, features, str(cache), gen_kwargs={"path": dataset})
            )
            return cast(Dataset, rows)
        return self._from_hub(dataset, revision)

    def _from_hub(self, dataset: str, revision: str) -> "Dataset":
        from datasets import Dataset, load_dataset
        from datasets.exceptions import DatasetNotFoundError

        try:
            rows = cast(Dataset, load_dataset(dataset, split="train", revision=revision))
        except DatasetNotFoundError as error:
            raise UserError(f"{dataset}: {error} A file of your own ends in .jsonl.") from None
        except (ConnectionError, OSError) as error:
            raise UserError(f"{dataset}: the Hugging Face Hub cannot be reached ({error}).") from None
        missing = [field for field in self.fields if field not in rows.column_names]
        if missing:
            raise UserError(f"{dataset} has the fields {rows.column_names}, but needs {self.in_words}.")
        return rows.select_columns(list(self.fields))


def _told_apart(make):  # type: ignore[no-untyped-def]
    """`datasets` wraps what a generator raises; a person is to see the mistake itself."""
    try:
        return make()
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, UserError):
            cause = cause.__cause__ or cause.__context__
        raise cause or error from None
