"""A line of a JSONL file, and what is said of one that cannot be read."""

import json
from typing import Any

from .errors import UserError


def parse(line: bytes, where: str, remedy: str) -> Any:
    """What `line` holds, by itself; UserError, with `where` it stands, for one that is no UTF-8 or no JSON.

    `remedy` ends what is said of no JSON: what to do with the file.
    """
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: byte {error.start} is not UTF-8. Convert the file, with iconv for one.") from None
    except ValueError as error:
        cut = "" if line.endswith(b"\n") else f" {_CUT}"
        raise UserError(f"{where} is not JSON.{cut} {remedy} ({error})") from None


_CUT = "It is the last, and ends in the midst of it: the file may be half downloaded."
