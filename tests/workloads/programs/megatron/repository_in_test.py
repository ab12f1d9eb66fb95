"""`torchrun` of the tests: does in a second to a folder what the repository's pretraining does, and no training.

It saves checkpoints in the repository's layout, says in its words that one is whole, writes TensorBoard events, and on
a resume moves the files of the run before away. FAULT=half:<step> ends it in the midst of saving that step's
checkpoint; FAULT=early ends it well before its time; FAULT=sleep keeps it running.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

RANKS = 2
EVENTS: Any = event_pb2  # made by protobuf, whose classes have their fields only when they run
SUMMARIES: Any = summary_pb2
FAULT, _, AT = os.environ.get("FAULT", "").partition(":")


def main() -> None:
    words = (word.lstrip("+").split("=", 1) for word in sys.argv if "=" in word)
    settings = {name: value.strip("'") for name, value in words}
    steps = int(settings["trainer.max_steps"])
    board = Path(settings["exp_manager.explicit_log_dir"])
    checkpoints = Path(settings["exp_manager.checkpoint_callback_params.dirpath"])
    resumed = settings.get("exp_manager.explicit_ckpt_path", "")
    begun = int(resumed.split("--step=")[1].split("-")[0]) if resumed else 0
    print(f"begins after step {begun} on node {os.environ.get('OMPI_COMM_WORLD_RANK', '0')}", flush=True)
    (Path.cwd() / "pid").write_text(str(os.getpid()))
    if FAULT == "sleep":
        time.sleep(600)
    if resumed:
        given = Path(resumed)
        assert all((given.parent / f"mp_rank_{rank:02d}" / given.name).is_file() for rank in range(RANKS))
        move_away(board)
    train(begun, steps, board, checkpoints, int(settings["exp_manager.checkpoint_callback_params.every_n_train_steps"]))


def train(begun: int, steps: int, board: Path, checkpoints: Path, every: int) -> None:
    writer = EventFileWriter(str(board))
    for step in range(begun, steps):
        numbers = {"reduced_train_loss": 10.0 / (step + 1), "lr": 1e-4, "gradient_norm": 1.5, "throughput": 2.0}
        for name, value in numbers.items():
            summary = SUMMARIES.Summary(value=[SUMMARIES.Summary.Value(tag=name, simple_value=value)])
            writer.add_event(EVENTS.Event(wall_time=time.time(), step=step, summary=summary))
        if FAULT == "early" and step + 1 > steps // 2:
            break
        if (step + 1) % every == 0:
            writer.flush()
            save(checkpoints, step + 1)
    writer.close()


def save(checkpoints: Path, step: int) -> None:
    name = f"megatron_llama--step={step}-consumed_samples={step * 256}.0.ckpt"
    for rank in range(RANKS):
        tensors = checkpoints / f"mp_rank_{rank:02d}" / f"{name}.tensors"
        tensors.mkdir(parents=True)
        (tensors / "tensor_0.pt").write_bytes(b"t" * 1000)
        if FAULT == "half" and step == int(AT):
            os.kill(os.getpid(), 9)
        (tensors.parent / name).write_bytes(b"r" * 100)
    print(f"[NeMo I] Synchronous saving of checkpoint {name} fully completed", flush=True)


def move_away(board: Path) -> None:
    moved = board / f"run_{len(list(board.glob('run_*')))}"
    moved.mkdir()
    for path in [path for path in board.iterdir() if path.is_file()]:
        path.rename(moved / path.name)


if __name__ == "__main__":
    main()
