"""`python -m programs.gather --port PORT --hosts HOST,… -- COMMAND …`: becomes COMMAND once every host listens.

mpirun gives up at the first host that does not answer; one that was lost takes minutes to come back.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from .distributed import wait_for


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parse(sys.argv[1:] if argv is None else list(argv))
    for host in arguments.hosts.split(","):
        wait_for(host, arguments.port, who="a worker")
    print(f"all {len(arguments.hosts.split(','))} hosts listen", flush=True)
    try:
        os.execvp(arguments.command[0], arguments.command)  # noqa: S606
    except OSError as error:
        print(f"error: {arguments.command[0]} cannot be started: {error.strerror}", file=sys.stderr, flush=True)
        return 127


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="programs.gather", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where each host listens")
    parser.add_argument("--hosts", required=True, help="their names, with commas between")
    parser.add_argument("command", nargs="+", help="what to start then, with its arguments")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
