"""The cluster in memory that runs are tested in, as an API server that a kubeconfig leads to."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stacks.follow.cluster import RUN
from tests.workloads.programs.run.server import Answer, Request, Server, no, says, serving
from tests.workloads.programs.run.world import PLAN, World, ends, runs, stamp
from workloads.programs.run.api import PATHS, RefusedError

KINDS = {path.rpartition("/")[2]: kind for kind, path in PATHS.items()}
LABELS = {"app.kubernetes.io/managed-by": "trainyard"}


@dataclass(slots=True)
class Front:
    """`world` behind HTTPS. `lists` counts the lists of each kind; `token` is what it asks for."""

    world: World
    server: Server
    kubeconfig: Path
    token: str = "good"
    lists: Counter[str] = field(default_factory=Counter)
    trouble: Callable[[Request], Answer | None] = lambda _: None

    def answer(self, request: Request) -> Answer:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("authorization") != f"Bearer {self.token}":
            return no(401, "Unauthorized")
        told = self.trouble(request)
        parts = request.path.split("/")
        place = parts.index("namespaces") + 2 if "namespaces" in parts else len(parts) - 1
        kind, name = KINDS[parts[place]], parts[place + 1 : place + 2]
        if not name:
            self.lists[kind] += 1
        try:
            return told or self._found(kind, name, parts[-1], request)
        except RefusedError as error:
            return no(error.status, str(error))

    def _found(self, kind: str, name: list[str], last: str, request: Request) -> Answer:
        cluster = self.world.cluster
        if not name:
            asked = {key: values[0] for key, values in request.query.items()}
            return says(items=[with_containers(one) for one in cluster.list(kind, **asked)])
        if last == "log":
            text = cluster.logs.get(f"{name[0]}/{request.query['container'][0]}")
            return Answer(content=text.encode()) if text is not None else no(404, "the log is gone")
        return says(**cluster.get(kind, name[0]))

    def begin_run(self) -> None:
        """The run's Job, its plan and its pod are made, and the pod runs."""
        cluster = self.world.cluster
        cluster.put({"kind": "ConfigMap", "metadata": {"name": "run-1"}, "data": {"plan.json": plan_json()}})
        volumes = [{"name": "plan", "configMap": {"name": "run-1"}}]
        spec = {"template": {"spec": {"volumes": volumes}}}
        cluster.put({"kind": "Job", "metadata": {"name": RUN, "labels": LABELS}, "spec": spec})
        labels = {**LABELS, "batch.kubernetes.io/job-name": RUN}
        cluster.put({"kind": "Pod", "metadata": {"name": f"{RUN}-x", "labels": labels}})
        runs(cluster.items["Pod", f"{RUN}-x"], cluster.now)

    def end_run(self, well: bool, message: str) -> None:
        cluster = self.world.cluster
        kind = "Complete" if well else "Failed"
        cluster.items["Job", RUN]["status"] = {"conditions": [{"type": kind, "status": "True"}]}
        pod = cluster.items["Pod", f"{RUN}-x"]
        ends(pod, cluster.now, 0 if well else 1)
        pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"] = message

    def log(self, pod: str, container: str, *lines: tuple[float, str]) -> None:
        told = [f"{stamp(self.world.cluster.now + at)[:-1]}.123456789Z {text}" for at, text in lines]
        self.world.cluster.logs[f"{pod}/{container}"] = "\n".join(told)


def plan_json() -> str:
    return json.dumps(asdict(PLAN))


def with_containers(item: dict[str, Any]) -> dict[str, Any]:
    """A pod's specification, which the cluster in memory leaves out."""
    if item["kind"] != "Pod":
        return item
    name = "run" if item["metadata"]["name"].startswith(RUN) else "step"
    return {**item, "spec": {"containers": [{"name": name}]}}


@contextmanager
def front(world: World, certificate: Path, folder: Path) -> Iterator[Front]:
    with serving(certificate) as server:
        made = Front(world, server, folder / "kubeconfig")
        made.kubeconfig.write_text(json.dumps(kubeconfig(server.port, certificate, "good")))
        server.answer = made.answer
        yield made


def kubeconfig(port: int, certificate: Path, token: str) -> dict[str, Any]:
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(certificate)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": cluster}],
        "users": [{"name": "me", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "current-context": "here",
    }
