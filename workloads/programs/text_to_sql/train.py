"""Step `train`: low-rank adapters for a Llama on the prepared conversations."""

import sys

from .. import entry
from ..finetune import RESUMABLE, Arguments, finetune

if __name__ == "__main__":
    sys.exit(entry.main(Arguments, finetune, resumable=RESUMABLE))
