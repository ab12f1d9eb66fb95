"""Runs a command, and writes into a file how it ended and what memory it took at its peak.

It stands alone and stays small: Linux counts the memory of whoever starts a process as that process's own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path


def main(report: str, *command: str) -> None:
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    Path(report).write_text(json.dumps({"status": process.returncode, "maxrss": usage.ru_maxrss}))


if __name__ == "__main__":
    main(*sys.argv[1:])
