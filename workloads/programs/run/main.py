"""`python -m programs.run.main`: carries out a plan in the namespace of the pod that it runs in.

It looks at what there is, does what `decide` says, and looks again. Exit status 0 when every step is done, 1 when one
failed; the termination message says which, why, and the last lines of its log.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import folders, images
from . import plan as plans
from .api import SERVICE_ACCOUNT, Api, RefusedError, UnreachableError
from .capacity import told_by_karpenter
from .decide import Decision, End, View, decide
from .plan import Plan, StepPlan
from .report import termination_message
from .states import ACTIVE, seen

PATIENCE_SECONDS = 600
"""How long the API server may give no answer before the run gives up."""


class Run:
    """A plan and the cluster it is carried out in. `mark` tells this run's objects from those of earlier ones."""

    def __init__(self, plan: Plan, shared: Path, api: Api, mark: str, clock: Callable[[], float] = time.time):
        self._plan, self._shared, self._api, self._mark, self._clock = plan, shared, api, mark, clock
        self._done: set[str] = set()
        self._images: dict[str, str] = {}
        self._status = ""

    def turn(self) -> End | None:
        """One look and what follows from it; the end, if that is it."""
        view = self._look()
        self._note_images(view)
        decision = decide(self._plan, view)
        self._tell(decision.status)
        for one in decision.stop:
            print(f"stopping {one.kind} {one.name}", flush=True)
            self._api.delete(one.kind, one.name)
        for one in decision.note:
            self._api.annotate(one.kind, one.name, **{plans.RUNNING_SINCE: str(self._clock())})
        return decision.end or self._create(decision)

    def message(self, end: End) -> str:
        return termination_message(end, self._api.log)

    def _look(self) -> View:
        pods: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for pod in self._api.list("Pod", labelSelector=plans.STEP_LABEL):
            labels = pod["metadata"]["labels"]
            pods[labels[plans.STEP_LABEL], labels.get(plans.HASH_LABEL, "")].append(pod)
        items = (seen(item, pods[_identity(item)]) for item in self._api.steps())
        objects = tuple(told_by_karpenter(one, self._api) for one in items)
        return View(objects, self._problems(), self._mark, self._clock())

    def _note_images(self, view: View) -> None:
        """Which images the steps' pods run, for the run card, which a full disk leaves without."""
        folders_ = {(step.name, step.hash): self._shared / step.folder for step in self._plan.steps}
        for one in view.objects:
            folder, digest = folders_.get((one.step, one.hash)), images.of_pods(one.pods)
            if folder and digest and self._images.get(one.step) != digest:
                with suppress(OSError):
                    images.note(folder, digest)
                    self._images[one.step] = digest

    def _problems(self) -> dict[str, str | None]:
        """What keeps each step's folder from being done. One that was done once is not looked at again."""
        wanted = {**self._plan.folders, **{step.name: step.folder for step in self._plan.steps}}
        found = {
            name: None if name in self._done else _damage(self._shared / folder) for name, folder in wanted.items()
        }
        self._done |= {name for name, problem in found.items() if problem is None}
        return found

    def _create(self, decision: Decision) -> End | None:
        for step in decision.create:
            print(f"starting {step.title}", flush=True)
            try:
                for item in self._objects(step):
                    self._create_one(item)
            except RefusedError as error:
                self._stop_all()
                return End(False, f"step {step.name}: the cluster refuses it: {error}")
        return None

    def _stop_all(self) -> None:
        for one in self._look().objects:
            if one.phase in ACTIVE:
                self._api.delete(one.kind, one.name)

    def _objects(self, step: StepPlan) -> list[dict[str, Any]]:
        """The step's objects, owned by the ConfigMap that holds them, so that they go when it goes."""
        source = self._api.get("ConfigMap", step.config_map)
        owner = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": step.config_map,
            "uid": source["metadata"]["uid"],
            "blockOwnerDeletion": True,
        }
        items = json.loads(source["data"]["objects.json"])
        for item in items:
            item["metadata"]["ownerReferences"] = [owner]
            notes = {plans.RUN: self._mark, plans.DIGEST: step.digest}
            item["metadata"]["annotations"] = {**item["metadata"].get("annotations", {}), **notes}
        return items

    def _create_one(self, item: Mapping[str, Any]) -> None:
        try:
            self._api.create(item)
        except RefusedError as error:
            if error.status != 409:
                raise
            self._require_ours(item)

    def _require_ours(self, item: Mapping[str, Any]) -> None:
        """Something of that name is there: fine if this project made it, which a killed run may have."""
        name = item["metadata"]["name"]
        try:
            labels = self._api.get(item["kind"], name)["metadata"].get("labels") or {}
        except RefusedError as error:
            if error.status != 404:
                raise
            raise UnreachableError(
                f"{item['kind']} {name} was there and is gone: to be made at the next look"
            ) from None
        if not plans.OWNED.items() <= labels.items():
            raise RefusedError(
                409, f"there is a {item['kind']} {name} that Trainyard did not make; delete or rename it"
            )

    def _tell(self, status: str) -> None:
        if status and status != self._status:
            print(status, flush=True)
        self._status = status


def _damage(folder: Path) -> str | None:
    """What keeps a folder from being done; a shared file system may also fail for a moment."""
    try:
        return folders.damage(folder)
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _identity(item: Mapping[str, Any]) -> tuple[str, str]:
    labels = item["metadata"]["labels"]
    return labels[plans.STEP_LABEL], labels.get(plans.HASH_LABEL, "")


def carry_out(run: Run, interval: float, patience: float = PATIENCE_SECONDS) -> End:
    """Turns until the end. An API server that gives no answer is asked again for `patience` seconds."""
    answered = time.monotonic()
    while True:
        try:
            end = run.turn()
            answered = time.monotonic()
        except UnreachableError as error:
            print(f"the API server does not answer: {error}", flush=True)
            end = (
                End(False, f"the API server gave no answer: {error}")
                if time.monotonic() - answered > patience
                else None
            )
        except RefusedError as error:
            end = End(False, f"the cluster refuses what the run must do: {error}")
        if end:
            return end
        time.sleep(interval)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="programs.run.main", description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="file with the steps to carry out")
    parser.add_argument("--shared", type=Path, required=True, help="where the shared volume is mounted")
    parser.add_argument("--message", type=Path, required=True, help="file for the termination message")
    parser.add_argument("--account", type=Path, default=SERVICE_ACCOUNT, help="folder of the service account's token")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two looks")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as process 1 it would not end of itself
    run = Run(plans.read(arguments.plan), arguments.shared, Api(arguments.account), os.environ["RUN_UID"])
    end = carry_out(run, arguments.interval)
    text = run.message(end)
    print(text, flush=True)
    arguments.message.write_text(text)
    return 0 if end.ok else 1


if __name__ == "__main__":
    sys.exit(main())
