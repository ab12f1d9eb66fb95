"""Step `download`: the corpus from the Hub, or from a file, as one file to train on and one held out.

A download that was ended goes on where it was. Leaves `train.jsonl`, `held-out.jsonl` and `data.json`.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import entry, hub
from ..entry import WORK, argument
from ..errors import UserError
from ..journal import Journal
from . import corpus

KIND = "*.jsonl"
COUNTS = "data.json"


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    dataset: str = argument("data set on the Hub whose files are JSON lines, or one such file")
    dataset_revision: str = argument("branch, tag or commit of the data set on the Hub")
    held_out_share: float = argument("share of the documents that is kept from training")


def download(arguments: Arguments, out: Path) -> None:
    journal = Journal(out)
    files = _files(arguments, out / WORK)
    journal.say(f"{len(files)} files of {arguments.dataset}")
    size = sum(file.stat().st_size for file in files)
    counts = corpus.join(
        files, out, arguments.held_out_share, lambda counts: journal.progress(counts.bytes, size, "bytes joined")
    )
    if not counts.train or not counts.held_out:
        raise UserError(
            f"{arguments.dataset}: {counts.train:,} documents to train on and {counts.held_out:,} held out; at least "
            "one of each is needed. Change parameters.held_out_share, or give more text."
        )
    (out / COUNTS).write_text(json.dumps({"dataset": arguments.dataset, **asdict(counts)}, indent=1))
    journal.result(
        f"{counts.train:,} documents to train on, {counts.held_out:,} held out, {counts.bytes / 1e6:,.1f} MB"
    )


def _files(arguments: Arguments, work: Path) -> list[Path]:
    given = Path(arguments.dataset)
    if given.suffix == ".jsonl":
        if not given.is_file():
            raise UserError(f"There is no file {given}.")
        return [given]
    from huggingface_hub import HfApi, snapshot_download

    name, revision = arguments.dataset, arguments.dataset_revision
    with hub.refusals_explained(f"datasets/{name}"):
        info = HfApi().dataset_info(name, revision=revision, files_metadata=True)
        folder = snapshot_download(
            name, repo_type="dataset", revision=info.sha, allow_patterns=KIND, local_dir=str(work)
        )
    sizes = {one.rfilename: one.size for one in info.siblings or () if Path(one.rfilename).match(KIND)}
    return whole(Path(folder), sizes, name)


def whole(folder: Path, sizes: "dict[str, int | None]", dataset: str) -> list[Path]:
    """The files below `folder` that `sizes` (in bytes) lists. UserError for one that has not all of its bytes."""
    if not sizes:
        raise UserError(f"{dataset} has no file {KIND}. Name another data set: parameters.dataset.")
    for name, size in sizes.items():
        there = (folder / name).stat().st_size if (folder / name).is_file() else 0
        if size is not None and there != size:
            raise UserError(
                f"{folder / name} has {there:,} of {size:,} bytes: it is half downloaded. Run the step again."
            )
    return [folder / name for name in sorted(sizes)]


if __name__ == "__main__":
    sys.exit(entry.main(Arguments, download, resumable=(WORK,)))
