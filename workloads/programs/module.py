"""A module of the image's own as a step: started with the step's folder, which is done when the module ends well.

It needs no more of the image than Python's standard library. The module gets `--out=<folder>` and each of `settings` as
`--name=value`. What it raises, and its exit status, are the step's.
"""

import argparse
import importlib.util
import runpy
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from . import entry
from .entry import argument
from .errors import UserError


@dataclass
class Arguments:
    out: str = argument("folder of this step")
    module: str = argument("the module to run, as python -m names it")
    settings: list[str] = argument("its arguments: name=value")
    keep: list[str] = argument("entries of the folder from which it goes on after a kill; the others are cleared first")


def run(arguments: Arguments, out: Path) -> None:
    sys.argv = [arguments.module, f"--out={out}", *(f"--{setting}" for setting in arguments.settings)]
    if not _is_there(arguments.module):
        raise UserError(f"There is no module {arguments.module} here. Is it in the image, by that name?")
    try:
        runpy.run_module(arguments.module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code not in (None, 0):
            raise


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="programs.module", description=__doc__)
    for field in fields(Arguments):
        several = field.name in ("settings", "keep")
        more: Any = {"nargs": "*", "default": []} if several else {"required": True}
        parser.add_argument(f"--{field.name}", help=field.metadata["help"], **more)
    parsed = Arguments(**vars(parser.parse_args(argv)))
    return entry.carry_out(parsed, run, resumable=parsed.keep)


if __name__ == "__main__":
    sys.exit(main())
