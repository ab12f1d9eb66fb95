"""`python -m programs.distributed … -- PROGRAM ARGUMENTS`: torchrun, with what a pod needs of it.

It starts a process a NeuronCore, on one node or on several that meet at the first. Two things are added. Nodes come up
minutes apart: the others wait until the first one listens. And its exit status is that of the process which failed
first, so that a mistake that trying again will not mend is told from a crash; torchrun alone makes every failure a 1.

A node that is lost and comes back joins the others again: they begin a new round, and each goes on from the newest
checkpoint.
"""

import argparse
import os
import socket
import sys
import time
from collections.abc import Sequence

JOIN_SECONDS = 86_400
"""How long nodes wait for each other. The run's own limits come first."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parse(sys.argv[1:] if argv is None else list(argv))
    host, port = arguments.meet.rsplit(":", 1)
    if arguments.nodes > 1 and arguments.node > 0:
        wait_for(host, int(port))
    return start(arguments)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="programs.distributed", description=__doc__)
    parser.add_argument("--processes", type=int, required=True, help="processes on this node")
    parser.add_argument("--nodes", type=int, default=1, help="how many nodes take part")
    parser.add_argument("--node", type=int, default=0, help="this node's place among them, from 0")
    parser.add_argument("--meet", default="localhost:0", help="where the first node listens: HOST:PORT")
    parser.add_argument("--name", default="trainyard", help="what the nodes that belong together have in common")
    parser.add_argument("program", help="the module to run")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="its arguments")
    return parser.parse_args(argv)


def wait_for(host: str, port: int, interval: float = 2.0, who: str = "the first node") -> None:
    """Returns once somebody listens there. The name may not even be known before that."""
    told = False
    while True:
        try:
            with socket.create_connection((host, port), timeout=10):
                return
        except OSError:
            if not told:
                print(f"waiting for {who} at {host}:{port}", flush=True)
            told = True
            time.sleep(interval)


def start(arguments: argparse.Namespace) -> int:
    """Runs the program under torchrun; the exit status of the process that failed first, 0 when none did."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    # torch 2.8 would go on using the first round's store, and a node that comes back is never told where that is
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    settings = f"join_timeout={JOIN_SECONDS},is_host={int(arguments.node == 0)}"
    meeting = ["--rdzv-backend", "c10d", "--rdzv-endpoint", arguments.meet, "--rdzv-id", arguments.name]
    size = ["--nnodes", str(arguments.nodes), "--nproc-per-node", str(arguments.processes), "--max-restarts", "0"]
    program = ["--module", arguments.program, *arguments.rest]
    try:
        run(parse_args([*size, *meeting, "--rdzv-conf", settings, *program]))
    except ChildFailedError as error:
        _, first = error.get_first_failure()
        return first.exitcode if first.exitcode > 0 else 128 - first.exitcode
    return 0


if __name__ == "__main__":
    sys.exit(main())
