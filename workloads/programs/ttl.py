"""`python -m programs.ttl`: looks once, and stops what has had its time, in the namespace of the pod that it runs in.

The clock is the run's: it began when its Job was made, so that a changed run begins a new one. Where there is no run,
each step left behind has its own.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from .run.api import Api, RefusedError
from .run.states import seconds as at

Json = Mapping[str, Any]


class Keeper(Api):
    """The API server, for one who may only stop."""

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        try:
            return self.get(kind, name)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def end(self, job: str) -> None:
        """Lets a Job's deadline pass: its pods are stopped, and it has failed.

        Deleted, it would leave whoever awaits it waiting, and Pulumi in the belief that it is there; failed, it ends
        the `pulumi up` that waits, and is replaced by the next one.
        """
        self._request("PATCH", self._path("Job", job), body={"spec": {"activeDeadlineSeconds": 1}})

    def put_to_sleep(self, stateful_set: str) -> None:
        path = f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets/{quote(stateful_set)}/scale"
        self._request("PATCH", path, body={"spec": {"replicas": 0}})


def due(run: Json | None, steps: Sequence[Json], now: float, seconds: float) -> list[Json]:
    """Of the steps' objects, those whose time is over."""
    if run is not None:
        return list(steps) if age(run, now) >= seconds else []
    return [step for step in steps if age(step, now) >= seconds]


def age(item: Json, now: float) -> float:
    return now - at(item["metadata"]["creationTimestamp"])


def has_ended(job: Json) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)


def stop(api: Keeper, run_name: str, seconds: float, now: float) -> None:
    """Ends the run first: it would make its steps anew."""
    run, steps = api.find("Job", run_name), list(api.steps())
    if run is not None and not has_ended(run) and age(run, now) >= seconds:
        print(f"ending the run {run_name}", flush=True)
        api.end(run_name)
    for step in due(run, steps, now, seconds):
        print(f"deleting {step['kind']} {step['metadata']['name']}", flush=True)
        api.delete(step["kind"], step["metadata"]["name"])


def rest(api: Keeper, workbench: str, seconds: float, now: float) -> None:
    pod = api.find("Pod", f"{workbench}-0")
    if pod is not None and age(pod, now) >= seconds:
        print(f"putting {workbench} to sleep", flush=True)
        api.put_to_sleep(workbench)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description="Stops the run, its steps and the workbench when their time is over.")
    made.add_argument("--hours", type=float, required=True, help="how long they have")
    made.add_argument("--run", required=True, help="name of the run's Job")
    made.add_argument("--workbench", help="name of the workbench's StatefulSet")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    api, now, seconds = Keeper(), time.time(), arguments.hours * 3600
    stop(api, arguments.run, seconds, now)
    if arguments.workbench:
        rest(api, arguments.workbench, seconds, now)
    return 0


if __name__ == "__main__":
    sys.exit(main())
