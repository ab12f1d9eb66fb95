"""Images of the platform `eks`: what a recipe needs on top of a public one is built in the cluster, once."""

from collections.abc import Iterable

import pulumi

from components.image_build import ImageBuild, ImageBuildArgs
from components.image_builder import ImageBuilder, ImageBuilderArgs
from components.image_job import Build, Workshop
from components.registry import Registry, RegistryArgs
from components.trainium import NEURON, NODES_LABEL, PROCESSORS, TRAINIUM
from workloads.launchers import Site
from workloads.launchers.pods import Nodes
from workloads.recipes.step import Image

from ..cluster import TOKEN_SECRET
from ..run import Run
from ..settings import Settings
from . import eks_nodes


def dockerfile(image: Image) -> str:
    """The Dockerfile of `image`. Its packages are named with their versions, so that the text tells the content."""
    packages = " ".join(f'"{package}"' for package in image.packages)
    return f"FROM {image.base}\nRUN pip install --no-cache-dir {packages}\n"


class Images:
    """The images that a run's steps need, by name: built where they have packages of their own, else as they are."""

    def __init__(self, base: eks_nodes.Base, namespace: pulumi.Output[str]):
        self._base, self._namespace = base, namespace

    def site(self, run: Run, settings: Settings, claim: pulumi.Output[str], queue: str | None) -> pulumi.Output[Site]:
        """Where steps run, known once the images are there."""
        known = {step.image.name: step.image for step in run.chosen if step.image}
        given = settings.images
        built = self._built([image for name, image in known.items() if image.packages and name not in given])
        images = {name: given.get(name, built.get(name, image.base)) for name, image in known.items()}
        fleet = settings.fleet
        instance = {"node.kubernetes.io/instance-type": fleet.instance.name} if fleet else {}
        toleration = {"key": NEURON, "operator": "Exists", "effect": "NoSchedule"}
        parts = pulumi.Output.all(namespace=self._namespace, claim=claim, images=images)
        return parts.apply(
            lambda part: Site(
                namespace=part["namespace"],
                claim=part["claim"],
                images=part["images"],
                token_secret=TOKEN_SECRET,
                trainium=Nodes({NODES_LABEL: TRAINIUM, **instance}, (toleration,)),
                processors=Nodes({NODES_LABEL: PROCESSORS}),
                queue=queue,
            )
        )

    def _built(self, images: Iterable[Image]) -> dict[str, pulumi.Output[str]]:
        wanted = {image.name: Build(name=image.name, dockerfile=dockerfile(image)) for image in images}
        if not wanted:
            return {}
        opts = self._base.opts
        registry = Registry("registry", RegistryArgs(repositories=[*wanted]), opts)
        builder = ImageBuilder(
            "builder",
            ImageBuilderArgs(
                cluster_name=self._base.cluster.name_for_nodes,
                namespace=self._namespace,
                push=[registry.arns[name] for name in wanted],
            ),
            opts,
        )
        return {name: self._build(build, registry, builder) for name, build in wanted.items()}

    def _build(self, build: Build, registry: Registry, builder: ImageBuilder) -> pulumi.Output[str]:
        workshop = Workshop(
            namespace=self._namespace,
            account=builder.account,
            repository=registry.urls[build.name],
            region=self._base.region,
            mirror=self._base.mirror,
            node_selector={NODES_LABEL: PROCESSORS},
        )
        made = ImageBuild(f"image-{build.name}", ImageBuildArgs(build=build, where=workshop), self._base.opts)
        return made.image
