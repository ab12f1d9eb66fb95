"""A run in a cluster, whatever the platform: its steps and the run as resources, and what a person needs next."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.guard.destroy import DestroyGuard, DestroyGuardArgs
from components.outputs import once
from components.run import NAME, Run, RunArgs, digest
from components.step import Bundle, Step, StepArgs
from components.versions import PYTHON_IMAGE
from workloads.launchers import LAUNCHERS, PROGRAMS, Launched, Site
from workloads.launchers.arguments import folder
from workloads.launchers.bundle import bundle
from workloads.launchers.pods import BUNDLE, SHARED
from workloads.launchers.ray import DASHBOARD
from workloads.programs.run import plan as plans
from workloads.recipes import Step as RecipeStep

from . import run as runs
from .config import token

RUN_MODULE = "programs.run.main"
RUN_IMAGE = PYTHON_IMAGE

TOKEN_SECRET = "hugging-face"  # noqa: S105

STOP_RUN = f""" patch job/{NAME} --type merge --patch '{{"spec": {{"activeDeadlineSeconds": 1}}}}' && """
"""Ends the run as failed. Deleted, it would be missed by no update: Pulumi replaces one that failed."""

KINDS = {"job": "jobs", "ray": "rayjobs", "mpi": "mpijobs"}
"""The kinds of steps' objects by launcher, as kubectl calls them."""

FOLLOW = " logs --follow --prefix --max-log-requests 100"
"""By itself kubectl follows no more than five pods."""

SPARE = timedelta(hours=1)
"""What the run's own deadline leaves for all that no step's limit counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What a platform hands over to have a run carried out. `kubectl` is how its user calls the cluster."""

    site: pulumi.Output[Site]
    namespace: pulumi.Input[str]
    claim: pulumi.Input[str]
    run_image: str
    run_selector: Mapping[str, str]
    """Labels of the nodes that the run itself may go to."""
    kubectl: str
    sees_karpenter: bool
    ready: tuple[pulumi.Resource, ...]
    """What must be there before a step may be declared."""
    guard: DestroyGuardArgs | None
    """What to ask before a destroy takes what the run made; None where it stays."""
    operators: Mapping[str, tuple[pulumi.Output[str], ...]] = field(default_factory=dict)
    """What is known once a launcher's operators are there, by its name: only its own steps wait for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Whether to wait for the run, and how long a step may wait for machines."""

    wait: bool
    capacity: timedelta


def carry_out(run: runs.Run, cluster: Cluster, patience: Patience, opts: pulumi.ResourceOptions) -> Mapping[str, Any]:
    """Declares a component for each chosen step and one for the run; returns the stack's outputs."""
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[*cluster.ready]))
    texts = {step.name: _objects(run, step, cluster.site) for step in run.chosen}
    steps = [_step(run, step, texts[step.name], cluster, opts) for step in run.chosen]
    plan = pulumi.Output.all(**texts).apply(lambda known: plan_json(run, known, patience.capacity))
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=steps))
    args = RunArgs(
        namespace=cluster.namespace,
        plan=plan,
        bundle=_bundle("run", RUN_MODULE),
        module=RUN_MODULE,
        claim=cluster.claim,
        image=cluster.run_image,
        deadline_seconds=_deadline(run, patience.capacity),
        wait=patience.wait,
        node_selector=cluster.run_selector,
        sees_karpenter=cluster.sees_karpenter,
    )
    if cluster.guard:
        # before the run and not after it, so that a run that failed is guarded as well
        DestroyGuard("guard", cluster.guard, pulumi.ResourceOptions(depends_on=steps))
    made = Run("run", args, after)
    return _outputs(run, cluster, made)


def token_secret(namespace: pulumi.Input[str], opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """The Secret that steps get the Hugging Face token from."""
    metadata = ObjectMetaArgs(name=TOKEN_SECRET, namespace=namespace)
    return kubernetes.core.v1.Secret("hugging-face", metadata=metadata, string_data={"token": token()}, opts=opts)


def _step(
    run: runs.Run, step: RecipeStep, objects: pulumi.Output[str], cluster: Cluster, opts: pulumi.ResourceOptions
) -> Step:
    args = StepArgs(
        namespace=cluster.namespace,
        hash=run.hashes[step.name],
        folder=folder(run.recipe.name, step.name, run.hashes[step.name]),
        objects=once(objects, *cluster.operators.get(step.launcher, ())),
        bundle=_bundle(step.name, *PROGRAMS[step.launcher](step)),
    )
    return Step(step.name, args, opts)


def _bundle(name: str, *programs: str) -> Bundle:
    content = bundle(*programs)
    known = hashlib.sha256(content).hexdigest()[:10]
    return Bundle(name=f"program-{name}-{known}", file=BUNDLE, content=base64.b64encode(content).decode())


def _objects(run: runs.Run, step: RecipeStep, site: pulumi.Output[Site]) -> pulumi.Output[str]:
    source = _bundle(step.name, *PROGRAMS[step.launcher](step)).name
    launched = Launched(step, run.recipe.name, run.hashes, source)
    return site.apply(lambda known: json.dumps(LAUNCHERS[step.launcher](launched, known), sort_keys=True))


def plan_json(run: runs.Run, objects: Mapping[str, str], capacity: timedelta) -> str:
    """What the run is handed; `objects` has each chosen step's, as JSON."""
    digests = {name: digest(text) for name, text in objects.items()}
    return json.dumps(asdict(runs.plan_of(run, digests, capacity)), sort_keys=True)


def _deadline(run: runs.Run, capacity: timedelta) -> int:
    limits = sum((timedelta(hours=step.limit_hours) + capacity for step in run.chosen), start=SPARE)
    return int(limits.total_seconds())


def _outputs(run: runs.Run, cluster: Cluster, made: Run) -> dict[str, Any]:
    """Commands to paste, and where on the shared volume things are."""
    kubectl = pulumi.Output.concat(cluster.kubectl, " --namespace ", cluster.namespace)
    kinds = ",".join(dict.fromkeys(KINDS[step.launcher] for step in run.steps))
    label = f"{plans.STEP_LABEL}"
    results = {name: at for name, at in run.recipe.results.items() if at.step in run.hashes}
    places = {
        name: str(SHARED / folder(run.recipe.name, at.step, run.hashes[at.step]) / at.path)
        for name, at in results.items()
    }
    fetch = {name: _fetch(kubectl, cluster, path) for name, path in places.items()}
    return {
        "steps": {step.name: run.hashes[step.name] for step in run.chosen},
        "follow": pulumi.Output.concat(kubectl, " logs --follow job/", made.job),
        "pods": pulumi.Output.concat(kubectl, f" get pods --selector {label} --label-columns {label}"),
        "logs": pulumi.Output.concat(kubectl, FOLLOW, f" --selector {label}=", run.chosen[-1].name),
        "stop": pulumi.Output.concat(kubectl, STOP_RUN, kubectl, f" delete {kinds} --selector {label}"),
        **_ray(run, kubectl),
        **places,
        "fetch": fetch,
        "results": cluster.site.apply(lambda known: known.results),
    }


def _ray(run: runs.Run, kubectl: pulumi.Output[str]) -> dict[str, Any]:
    """For each step with a Ray cluster, how to see its dashboard while it runs; and what prints the token it asks for.

    The token is made with the cluster, and gone with it.
    """
    steps = [step for step in run.chosen if step.launcher == "ray"]
    if not steps:
        return {}
    head = " get pods --selector ray.io/node-type=head --output name | xargs -I{} "
    forward = {
        step.name: pulumi.Output.concat(
            kubectl, f" port-forward service/{step.name}-{run.hashes[step.name]}-head-svc {DASHBOARD}"
        )
        for step in steps
    }
    token = pulumi.Output.concat(kubectl, head, kubectl, " exec {} -- printenv RAY_AUTH_TOKEN")
    return {"rayDashboard": forward, "rayToken": token}


def _fetch(kubectl: pulumi.Output[str], cluster: Cluster, path: str) -> pulumi.Output[str]:
    """A command that writes what is at `path` on the shared volume into ./fetched, through a pod that goes again."""
    name = path.rpartition("/")[2]

    def overrides(claim: str) -> str:
        mount = {"name": "shared", "mountPath": str(SHARED), "readOnly": True}
        container = {"name": "fetch", "image": cluster.run_image, "volumeMounts": [mount]}
        container["command"] = ["tar", "-C", path.removesuffix(name) or "/", "-cf", "-", name]
        volume = {"name": "shared", "persistentVolumeClaim": {"claimName": claim}}
        return json.dumps({"spec": {"containers": [container], "volumes": [volume]}}, sort_keys=True)

    told = pulumi.Output.from_input(cluster.claim).apply(overrides)
    start = f" run fetch --quiet --rm --stdin --restart Never --image {cluster.run_image} --overrides '"
    return pulumi.Output.concat("mkdir -p fetched && ", kubectl, start, told, "' | tar -C fetched -xf -")
