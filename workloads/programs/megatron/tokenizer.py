"""Step `tokenizer`: the files of a tokenizer on the Hub, just as they are there; in a rehearsal one made from the text.

transformers of today writes tokenizers in a form of its own; the repository's has 4.31, and reads what was published.
"""

import itertools
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from .. import entry, hub
from ..entry import WORK, argument
from ..errors import UserError
from ..folders import TOKENIZER
from ..journal import Journal
from ..rehearsal import tiny
from ..rehearsal.tiny import TINY
from .corpus import FIELD

FILES = ["tokenizer*", "special_tokens_map.json", "config.json"]
DOCUMENTS, VOCABULARY = 2000, 768
"""What a rehearsal's tokenizer is learnt from at the most, and its size."""


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    tokenizer: str = argument(f"tokenizer's name on the Hub, or {TINY} for one that is made from the corpus")
    tokenizer_revision: str = argument("branch, tag or commit of the tokenizer on the Hub")
    corpus: str = argument(f"JSON lines to make the tokenizer {TINY} from; not read for any other")


def fetch(arguments: Arguments, out: Path) -> None:
    if arguments.tokenizer == TINY:
        _make(Path(arguments.corpus), out)
    else:
        _download(arguments, out)
    loaded = hub.load_tokenizer(str(out / TOKENIZER))
    if loaded.eos_token_id is None:
        raise UserError(
            f"The tokenizer {arguments.tokenizer} has no token that ends a text: documents could not be told apart."
        )
    Journal(out).result(f"{len(loaded):,} tokens")


def _make(corpus: Path, out: Path) -> None:
    if not corpus.is_file():
        raise UserError(f"There is no file {corpus} to make a tokenizer from.")
    with corpus.open() as lines:
        texts = (json.loads(line)[FIELD] for line in itertools.islice(lines, DOCUMENTS))
        tiny.train_tokenizer(texts, VOCABULARY).save_pretrained(out / TOKENIZER)


def _download(arguments: Arguments, out: Path) -> None:
    from huggingface_hub import snapshot_download

    revision = arguments.tokenizer_revision
    with hub.refusals_explained(arguments.tokenizer):
        folder = snapshot_download(arguments.tokenizer, revision=revision, allow_patterns=FILES, local_dir=out / WORK)
    (out / TOKENIZER).mkdir()
    for file in Path(folder).iterdir():
        if file.is_file():
            shutil.copyfile(file, out / TOKENIZER / file.name)


if __name__ == "__main__":
    os.environ["USE_TORCH"] = "0"  # transformers would import it: seconds, and memory, that tokenizing needs not
    os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = "1"  # it would complain that it found no torch
    sys.exit(entry.main(Arguments, fetch))
