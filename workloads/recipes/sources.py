"""The sources that a program is made of: its own import closure, and nothing that it does not import.

A change to a program gives its steps, and those that need them, another hash; a change beside it does not. The pod gets
just these files.
"""

import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from modulefinder import ModuleFinder
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
"""The folder that is on a pod's PYTHONPATH; programs are named from here: `programs.text_to_sql.train`."""


class _Finder(ModuleFinder):
    """Looks through each piece of code once, however many programs have it in their closure."""

    def scan_opcodes(self, co: CodeType) -> Iterator[tuple[Any, ...]]:
        return iter(_imports(co))


@cache
def _imports(code: CodeType) -> tuple[tuple[Any, ...], ...]:
    return tuple(ModuleFinder().scan_opcodes(code))


@lru_cache
def closure(program: str) -> tuple[Path, ...]:
    """Every file below `ROOT` that the module `program` imports, at any depth, itself and its packages included."""
    finder = _Finder(path=[str(ROOT)])
    finder.import_hook(program)
    named = (getattr(module, "__file__", None) for module in finder.modules.values())
    files = {Path(name) for name in named if name}
    return tuple(sorted(file for file in files if file.is_relative_to(ROOT)))


@lru_cache
def digest(program: str) -> str:
    """SHA-256 over names and contents of the closure; the same wherever the repository lies."""
    total = hashlib.sha256()
    for file in closure(program):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(ROOT).as_posix()} {content}\n".encode())
    return total.hexdigest()
