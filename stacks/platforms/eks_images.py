"""Images of the platform `eks`: what a recipe needs on top of a public one is built in the cluster, once."""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi

from components.image_build import ImageBuild, ImageBuildArgs
from components.image_builder import ImageBuilder, ImageBuilderArgs
from components.image_job import Build, Workshop
from components.registry import Registry, RegistryArgs
from components.trainium import NEURON, NODES_LABEL, PROCESSORS, TRAINIUM
from workloads.launchers import Site
from workloads.launchers.pods import Nodes
from workloads.recipes.step import Checkout, Image

from ..cluster import TOKEN_SECRET
from ..run import Run
from ..settings import Settings
from . import eks_nodes


def dockerfile(image: Image) -> str:
    """The Dockerfile of `image`. All that it adds is named with its version, so that the text tells the content."""
    lines = [f"FROM {image.base}"]
    if image.system:
        install = f"apt-get install -y --no-install-recommends {' '.join(image.system)}"
        lines.append(f"RUN apt-get update && {install} && rm -rf /var/lib/apt/lists/*")
    if image.checkout:
        lines += _checked_out(image.checkout)
    if image.packages:
        lines.append("RUN pip install --no-cache-dir " + " ".join(f'"{package}"' for package in image.packages))
    return "\n".join(lines) + "\n"


def _checked_out(checkout: Checkout) -> list[str]:
    """A command a line, so that the log of a build that failed names the one that did."""
    enter = f"RUN cd {checkout.folder} &&"
    fetch = f"git fetch -q --depth 1 {checkout.address} {checkout.commit} && git checkout -q {checkout.commit}"
    return [f"RUN git init -q {checkout.folder}", f"{enter} {fetch}", *(f"{enter} {line}" for line in checkout.build)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where steps write: the shared volume's claim, and the results target with the account that may use it."""

    claim: pulumi.Output[str]
    results: pulumi.Output[str]
    account: pulumi.Output[str]


class Images:
    """The images that a run's steps need, by name: built where they have packages of their own, else as they are."""

    def __init__(self, base: eks_nodes.Base, namespace: pulumi.Output[str]):
        self._base, self._namespace = base, namespace

    def site(self, run: Run, settings: Settings, kept: Kept, queue: str | None) -> pulumi.Output[Site]:
        """Where steps run, known once the images are there."""
        known = {step.image.name: step.image for step in run.chosen if step.image}
        given = settings.images
        built = self._built([image for name, image in known.items() if image.on_top and name not in given])
        images = {name: given.get(name, built.get(name, image.base)) for name, image in known.items()}
        fleet = settings.fleet
        instance = {"node.kubernetes.io/instance-type": fleet.instance.name} if fleet else {}
        toleration = {"key": NEURON, "operator": "Exists", "effect": "NoSchedule"}
        stack = pulumi.get_stack()
        parts = pulumi.Output.all(
            namespace=self._namespace, images=images, claim=kept.claim, results=kept.results, account=kept.account
        )
        return parts.apply(
            lambda part: Site(
                **part,
                stack=stack,
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
