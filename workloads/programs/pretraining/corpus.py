"""A corpus of plain text: files of articles, here or in a data set on the Hub, read one after another.

A Parquet or JSONL file has an article a row, in one field; a .txt file is an article. Nothing is ever in memory but a
few rows: an article may be as long as its file. A file that cannot be read as what its name says is named.
"""

import codecs
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import hub, json_lines
from ..entry import argument
from ..errors import UserError

PIECE_BYTES = 2**20
"""A text file is read in pieces of about this size."""

ROWS_AT_A_TIME = 256
BYTES_A_TOKEN = 4
"""Of English text, as Llama 2's tokenizer cuts it: what the size of a corpus in tokens is guessed by."""

UNFINISHED = (".incomplete", ".part", ".partial", ".aria2", ".crdownload", ".tmp")
"""What the names of files end in that a downloader is still, or was last, at work on."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of an article; the last of its pieces `ends` it."""

    text: str
    ends: bool


@dataclass(frozen=True, slots=True)
class Source:
    """Where a corpus is: a file, a folder, or a data set on the Hub, of which the files that `pattern` fits are read.

    `field` is the one of a Parquet or JSONL row that holds the text.
    """

    name: str
    revision: str
    pattern: str
    field: str


@dataclass
class Arguments:
    """What a program takes that reads a corpus."""

    out: str = argument("folder of this step")
    corpus: str = argument("a file or folder of text, or a data set on the Hub that has such files")
    corpus_revision: str = argument("branch, tag or commit of the data set on the Hub")
    corpus_files: str = argument("which files of a folder or data set: a pattern, as 20231101.en/*.parquet")
    corpus_field: str = argument("the field of a Parquet or JSONL row that holds the text")


def source(arguments: Arguments) -> Source:
    return Source(arguments.corpus, arguments.corpus_revision, arguments.corpus_files, arguments.corpus_field)


def files(source: Source) -> list[Path]:
    """The files of `source` in order, each looked at; those of a data set on the Hub are downloaded first."""
    here = Path(source.name)
    if here.is_file():
        found = [here]
    else:
        folder = here if here.is_dir() else _downloaded(source)
        found = sorted(path for path in folder.glob(source.pattern) if path.is_file())
        _require_finished(folder)
    if not found:
        raise UserError(f"{source.name} has no file that fits {source.pattern!r}. Set parameters.corpus_files.")
    for path in found:
        _format(path).check(path, source.field)
    return found


def size(paths: Sequence[Path], field: str) -> int:
    """About how many bytes of text are in `paths`, uncompressed."""
    return sum(_format(path).size(path, field) for path in paths)


def read(path: Path, field: str) -> Iterator[Piece]:
    """The text of one file in order, piece by piece; articles without any text are passed over."""
    return _format(path).read(path, field)


def _downloaded(source: Source) -> Path:
    from huggingface_hub import snapshot_download

    if source.name.startswith((".", "/")) or source.name.count("/") > 1:
        raise UserError(f"There is no file or folder {source.name}. Set parameters.corpus to one, or to a data set.")
    with hub.refusals_explained(source.name):
        folder = snapshot_download(
            source.name, repo_type="dataset", revision=source.revision, allow_patterns=source.pattern
        )
    return Path(folder)


def _require_finished(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.name.endswith(UNFINISHED):
            raise UserError(f"{path} is half downloaded. Finish it, or take it away, and run again.")


def _parquet_check(path: Path, field: str) -> None:
    import pyarrow
    from pyarrow import parquet

    try:
        schema = parquet.read_schema(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        reason = "is empty" if path.stat().st_size == 0 else f"is no whole Parquet file ({error})"
        raise UserError(f"{path} {reason}. It may be half downloaded: fetch it again.") from None
    if field not in schema.names:
        raise UserError(_no_field(str(path), field, schema.names))


def _parquet_size(path: Path, field: str) -> int:
    from pyarrow import parquet

    meta: Any = parquet.read_metadata(path)
    groups = (meta.row_group(index) for index in range(meta.num_row_groups))
    columns = (group.column(index) for group in groups for index in range(group.num_columns))
    return sum(column.total_uncompressed_size for column in columns if column.path_in_schema == field)


def _parquet(path: Path, field: str) -> Iterator[Piece]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_AT_A_TIME, columns=[field]):
                yield from (Piece(text, ends=True) for text in batch.column(0).to_pylist() if text)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: the field {field!r} is not UTF-8 everywhere ({error.reason}).") from None
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise UserError(f"{path} is damaged ({error}). Fetch it again.") from None


def _jsonl(path: Path, field: str) -> Iterator[Piece]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            row = _row(line, f"{path}, line {number}") if line.strip() else {field: ""}
            if field not in row:
                raise UserError(_no_field(f"{path}, line {number}", field, list(row)))
            if row[field]:
                yield Piece(str(row[field]), ends=True)


def _row(line: bytes, place: str) -> dict[str, Any]:
    """UserError where `line` is none; `place` says where it stands."""
    row = json_lines.parse(line, place, _AGAIN)
    if not isinstance(row, dict):
        raise UserError(f"{place} is no JSON object.")
    return row


_AGAIN = "Fetch the file again, or take it away."


def _text(path: Path, field: str) -> Iterator[Piece]:
    """One article. Pieces end at white space, so that no word is torn in two."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    rest, at = "", 0
    with path.open("rb") as file:
        while content := file.read(PIECE_BYTES):
            try:
                rest += decoder.decode(content)
            except UnicodeDecodeError as error:
                wrong = f"the byte 0x{error.object[error.start]:02x} is not UTF-8. Save the file in that encoding."
                raise UserError(f"{path}, within {PIECE_BYTES:,} bytes of byte {at:,}: {wrong}") from None
            at += len(content)
            cut = max(rest.rfind(" "), rest.rfind("\n")) if len(rest) < 2 * PIECE_BYTES else len(rest)
            if cut > 0:
                yield Piece(rest[:cut], ends=False)
                rest = rest[cut:]
    if decoder.getstate()[0]:
        raise UserError(f"{path} ends in the middle of a character: it may be half downloaded.")
    yield Piece(rest, ends=True)


def _no_field(place: str, field: str, names: Sequence[str]) -> str:
    return f"{place} has no field {field!r} but {', '.join(names)}. Set parameters.corpus_field."


def _require_content(path: Path, field: str) -> None:
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty. It may be half downloaded: fetch it again, or take it away.")


def _bytes(path: Path, field: str) -> int:
    return path.stat().st_size


@dataclass(frozen=True, slots=True)
class _Format:
    """How one kind of file is looked at beforehand, measured, and read."""

    check: Callable[[Path, str], None]
    size: Callable[[Path, str], int]
    read: Callable[[Path, str], Iterator[Piece]]


_FORMATS = {
    ".parquet": _Format(_parquet_check, _parquet_size, _parquet),
    ".jsonl": _Format(_require_content, _bytes, _jsonl),
    ".txt": _Format(_require_content, _bytes, _text),
}


def _format(path: Path) -> _Format:
    found = _FORMATS.get(path.suffix)
    if found is None:
        raise UserError(f"{path} is none of {', '.join(_FORMATS)}. Narrow parameters.corpus_files, or convert it.")
    return found
