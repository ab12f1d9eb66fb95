"""The real operators, as processes beside the control plane.

Those whose objects the project declares itself work with just the rights that it gives them.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

from components.operators import mpi
from components.operators.volcano import SCHEDULER, scheduler_config
from components.rights import Rule
from tests import tools

from .control_plane import ControlPlane, kubeconfig, process

RIGHTS = "rbac.authorization.k8s.io/v1"


@contextmanager
def mpi_operator(plane: ControlPlane, folder: Path) -> Iterator[None]:
    """The MPI operator; tools.MissingError where it cannot be had."""
    program = tools.find("mpi-operator")
    plane.objects("v1", "Namespace").create({"metadata": {"name": mpi.NAME}})
    access = folder / "kubeconfig"
    token = account(plane, mpi.NAME, mpi.RULES, mpi.LOCK_RULES)
    access.write_text(yaml.safe_dump(kubeconfig(plane.port, plane.certificate, token)))
    flags = [f"--kubeConfig={access}", f"--lock-namespace={mpi.NAME}", "-logtostderr=true"]
    with process(program, folder / "mpi-operator.log", *flags):
        yield
    plane.objects("v1", "Namespace").delete(mpi.NAME)


@contextmanager
def kuberay(plane: ControlPlane, folder: Path, dashboards: str) -> Iterator[None]:
    """KubeRay, which starts gangs by Volcano and reaches Ray's dashboards through the proxy `dashboards`."""
    program = tools.find("kuberay-operator")
    plane.define(KUBERAY_ALSO)
    quiet = ["--metrics-addr=0", "--health-probe-bind-address=0", "--enable-leader-election=false"]
    flags = [f"--kubeconfig={plane.kubeconfig}", f"--batch-scheduler={SCHEDULER}", *quiet]
    proxy = {"HTTP_PROXY": dashboards, "http_proxy": dashboards}
    with process(program, folder / "kuberay.log", *flags, environment=proxy):
        yield


@contextmanager
def volcano(plane: ControlPlane, folder: Path) -> Iterator[None]:
    """Volcano's controllers, and its scheduler with the project's configuration."""
    programs = [tools.find(name) for name in ("vc-controller-manager", "vc-scheduler")]
    plane.define(VOLCANO_ALSO)
    settings = folder / "volcano.yaml"
    settings.write_text(json.dumps(scheduler_config()))
    quiet = [f"--kubeconfig={plane.kubeconfig}", "--leader-elect=false", "--enable-healthz=false"]
    own = [[], [f"--scheduler-conf={settings}", f"--scheduler-name={SCHEDULER}"]]
    with ExitStack() as running:
        for program, flags in zip(programs, own, strict=True):
            running.enter_context(process(program, folder / f"{program.name}.log", *quiet, *flags))
        yield


def anything(group: str, version: str, kind: str, plural: str, scope: str = "Namespaced") -> dict[str, Any]:
    """The definition of a kind that may hold anything: an operator watches it, and no test has one."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural},
            "scope": scope,
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


KUBERAY_ALSO = (
    anything("ray.io", "v1", "RayService", "rayservices"),
    anything("ray.io", "v1", "RayCronJob", "raycronjobs"),
)
VOLCANO_ALSO = (
    anything("batch.volcano.sh", "v1alpha1", "CronJob", "cronjobs"),
    anything("bus.volcano.sh", "v1alpha1", "Command", "commands"),
    anything("config.volcano.sh", "v1alpha1", "ColocationConfiguration", "colocationconfigurations"),
    anything("flow.volcano.sh", "v1alpha1", "JobFlow", "jobflows"),
    anything("flow.volcano.sh", "v1alpha1", "JobTemplate", "jobtemplates"),
    anything("nodeinfo.volcano.sh", "v1alpha1", "Numatopology", "numatopologies", "Cluster"),
    anything("shard.volcano.sh", "v1alpha1", "NodeShard", "nodeshards", "Cluster"),
    anything("topology.volcano.sh", "v1alpha1", "HyperNode", "hypernodes", "Cluster"),
)


def account(plane: ControlPlane, name: str, everywhere: Sequence[Rule], here: Sequence[Rule]) -> str:
    """The token of a new service account, in the namespace of its name, that may do just what the rules say."""
    about = {"metadata": {"name": name}}
    plane.objects("v1", "ServiceAccount").create(about, namespace=name)
    subjects = [{"kind": "ServiceAccount", "name": name, "namespace": name}]
    for kind, rules, where in (("ClusterRole", everywhere, {}), ("Role", here, {"namespace": name})):
        plane.objects(RIGHTS, kind).create({**about, "rules": [_written(rule) for rule in rules]}, **where)
        role = {"apiGroup": RIGHTS.partition("/")[0], "kind": kind, "name": name}
        plane.objects(RIGHTS, f"{kind}Binding").create({**about, "subjects": subjects, "roleRef": role}, **where)
    spec = client.V1TokenRequestSpec(audiences=["https://kubernetes.default.svc"], expiration_seconds=7200)
    request = client.AuthenticationV1TokenRequest(spec=spec)
    made: Any = client.CoreV1Api(plane.api).create_namespaced_service_account_token(name, name, request)
    return made.status.token


def _written(rule: Rule) -> dict[str, Any]:
    """A rule as Kubernetes writes it; Pulumi's arguments have underscores."""
    return {re.sub("_(.)", lambda found: found[1].upper(), key): value for key, value in rule.items()}
