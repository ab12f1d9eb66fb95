"""The platform `existing`: a cluster that the user has. Trainyard adds what a run needs in one namespace."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import PersistentVolumeClaimSpecArgs, VolumeResourceRequirementsArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.guard.destroy import DestroyGuardArgs
from workloads.launchers import Site
from workloads.launchers.pods import NEURON, Nodes
from workloads.programs import store

from .. import operators
from ..cluster import RUN_IMAGE, TOKEN_SECRET, Cluster, Patience, carry_out, token_secret
from ..groups import NodeLabels
from ..names import existing_namespace
from ..rules import RUN_IMAGE as RUN_IMAGE_NAME
from ..run import Run
from ..settings import Settings
from . import guard

INSTANCE_TYPE = "node.kubernetes.io/instance-type"


class ExistingPlatform:
    guard: DestroyGuardArgs | None = None

    def __init__(self, settings: Settings):
        self._settings, self._given = settings, settings.existing

    def missing(self) -> list[str]:
        path = self._kubeconfig()
        if path.is_file():
            return []
        return [f"trainyard:existing.kubeconfig: there is no file {path}. Name the kubeconfig of your cluster."]

    def carry_out(self, run: Run) -> Mapping[str, Any]:
        provider = kubernetes.Provider(
            "cluster",
            kubeconfig=str(self._kubeconfig()),
            context=self._given.context,
            # what a killed update made, and what an earlier stack kept, is taken over
            upsert_existing_objects=True,
        )
        opts = pulumi.ResourceOptions(provider=provider)
        namespace, first = self._namespace(opts)
        inside = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[first]))
        claim = self._claim(namespace, inside)
        self.guard = self._guard(run)
        queues = self._queue(run, opts)
        cluster = Cluster(
            site=pulumi.Output.from_input(self._site(namespace, operators.queue_name() if queues else None)),
            namespace=namespace,
            claim=self._claim_name,
            run_image=self._settings.images.get(RUN_IMAGE_NAME, RUN_IMAGE),
            run_selector=self._given.processors.selector,
            kubectl=" ".join(["kubectl", *self._flags()]),
            sees_karpenter="karpenter" in self._given.operators,
            ready=(first, claim, *self._token(namespace, inside)),
            guard=self.guard,
            operators={"ray": queues},
        )
        patience = Patience(wait=self._settings.wait, capacity=self._settings.capacity_timeout)
        return carry_out(run, cluster, patience, opts)

    def _kubeconfig(self) -> Path:
        first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        return Path(self._given.kubeconfig or first or "~/.kube/config").expanduser()

    def _flags(self) -> list[str]:
        named = [f"--kubeconfig {self._given.kubeconfig}"] if self._given.kubeconfig else []
        return [*named, *([f"--context {self._given.context}"] if self._given.context else [])]

    def _namespace(self, opts: pulumi.ResourceOptions) -> tuple[str, pulumi.Resource]:
        """Its name, and the resource: one that is there and stays, or one of this stack's own."""
        if self._given.namespace:
            name = self._given.namespace
            return name, kubernetes.core.v1.Namespace.get("namespace", name, opts=opts)
        name = existing_namespace(pulumi.get_stack())
        return name, kubernetes.core.v1.Namespace(
            "namespace", metadata=ObjectMetaArgs(name=name), opts=self._lasting(opts)
        )

    @property
    def _claim_name(self) -> str:
        return self._given.claim or "trainyard"

    def _claim(self, namespace: str, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        if self._given.claim:
            claim = kubernetes.core.v1.PersistentVolumeClaim.get(
                "shared", f"{namespace}/{self._given.claim}", opts=opts
            )
            claim.spec.access_modes.apply(_require_many)
            return claim
        return kubernetes.core.v1.PersistentVolumeClaim(
            "shared",
            metadata=ObjectMetaArgs(
                name=self._claim_name,
                namespace=namespace,
                # a class may bind only when the first pod comes; the run's own wait covers it
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteMany"],
                storage_class_name=self._given.storage_class,
                resources=VolumeResourceRequirementsArgs(requests={"storage": self._given.storage}),
            ),
            opts=self._lasting(opts),
        )

    def _lasting(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        """What holds results outlives the stack, unless its user says otherwise."""
        keep = pulumi.ResourceOptions(retain_on_delete=self._settings.results.keep)
        return pulumi.ResourceOptions.merge(opts, keep)

    def _guard(self, run: Run) -> DestroyGuardArgs | None:
        """A claim that was named, or is kept, stays with all that lies on it; one of the stack's own may not."""
        if self._given.claim or self._settings.results.keep:
            return None
        target = self._settings.results.target
        return guard.args(run, target, goes=not target.startswith(store.SCHEME), account={})

    def _token(self, namespace: str, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        return [token_secret(namespace, opts)] if self._settings.has_token else []

    def _queue(self, run: Run, opts: pulumi.ResourceOptions) -> tuple[pulumi.Output[str], ...]:
        """A queue for the gangs of `run`, where it has some and Volcano is there."""
        if "ray" in operators.launchers(run) and "volcano" in self._given.operators:
            return (operators.queue(run, opts).queue,)
        return ()

    def _site(self, namespace: str, queue: str | None = None) -> Site:
        fleet = self._settings.fleet
        plain = {"neuron": {"key": NEURON, "operator": "Exists", "effect": "NoSchedule"}}
        selector = {INSTANCE_TYPE: fleet.instance.name} if fleet else {}
        steps = self._settings.recipe.steps(self._settings.parameters, fleet)
        own = {step.image.name: step.image.base for step in steps if step.image}
        return Site(
            namespace=namespace,
            claim=self._claim_name,
            images={**own, **self._settings.images},
            token_secret=TOKEN_SECRET,
            trainium=_nodes(self._given.trainium, Nodes(selector, tuple(plain.values()))),
            processors=_nodes(self._given.processors, Nodes()),
            stack=pulumi.get_stack(),
            results=self._settings.results.target,
            account=self._settings.results.service_account,
            queue=queue,
        )


def _nodes(given: NodeLabels, default: Nodes) -> Nodes:
    """The nodes as the user describes them, and by default as EKS and Karpenter label and taint them."""
    tolerations = tuple(one.model_dump(exclude_none=True) for one in given.tolerations)
    return Nodes(given.selector or default.selector, tolerations or default.tolerations)


def _require_many(modes: list[str]) -> None:
    if "ReadWriteMany" not in modes:
        raise pulumi.RunError(
            f"trainyard:existing.claim: it can be mounted as {', '.join(modes)}, and a run needs ReadWriteMany: its "
            "steps share it from several nodes. Name another claim, or set existing.storageClass."
        )
