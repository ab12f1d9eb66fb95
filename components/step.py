"""One step of a recipe in a cluster, as Pulumi sees it come, change and go. The run carries it out."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

OBJECTS = "objects.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepArgs:
    """`objects` is the JSON list of the Kubernetes objects that carry the step out.

    `bundle` holds the program's sources: the ConfigMap's name, the file's name in it, and the file in base64.
    """

    namespace: pulumi.Input[str]
    hash: str
    folder: str
    objects: pulumi.Input[str]
    bundle: "Bundle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    name: str
    file: str
    content: str


class Step(pulumi.ComponentResource):
    """Two immutable ConfigMaps: the program's sources, and the manifest that the run will apply. It costs nothing.

    What the run makes of the manifest is owned by that ConfigMap: deleting it stops the step, and waits until its pods
    are gone. The step's folder on the shared volume stays.
    """

    config_map: pulumi.Output[str]
    """Name of the ConfigMap with the manifest."""

    def __init__(self, name: str, args: StepArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Step", name, {}, opts)
        source = source_map(f"{name}-program", args.namespace, args.bundle, self)
        manifest = kubernetes.core.v1.ConfigMap(
            f"{name}-manifest",
            metadata=ObjectMetaArgs(name=f"step-{name}-{args.hash}", namespace=args.namespace, labels=LABELS),
            data={OBJECTS: args.objects},
            immutable=True,
            # while a step runs, its pods mount the sources
            opts=pulumi.ResourceOptions(parent=self, depends_on=[source]),
        )
        self.config_map = manifest.metadata.name
        self.register_outputs({"config_map": self.config_map, "hash": args.hash, "folder": args.folder})


LABELS = {"app.kubernetes.io/managed-by": "trainyard"}


def source_map(
    name: str, namespace: pulumi.Input[str], bundle: Bundle, parent: pulumi.Resource
) -> kubernetes.core.v1.ConfigMap:
    """The ConfigMap that pods mount a program's sources from."""
    return kubernetes.core.v1.ConfigMap(
        name,
        metadata=ObjectMetaArgs(name=bundle.name, namespace=namespace, labels=LABELS),
        binary_data={bundle.file: bundle.content},
        immutable=True,
        opts=pulumi.ResourceOptions(parent=parent),
    )
