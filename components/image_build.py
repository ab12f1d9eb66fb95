"""An image, built in the cluster from a Dockerfile of the project's."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apiextensions, core

from .image_job import Build, Workshop, manifest
from .outputs import once
from .pods import metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuildArgs:
    build: Build
    where: Workshop


class ImageBuild(pulumi.ComponentResource):
    """A Job that builds an image and pushes it by a tag of its content; done, it costs nothing.

    Creating it takes as long as the build does (tens of minutes on a Neuron image), or seconds where the tag is there.
    """

    reference: pulumi.Output[str]
    """Where the image is going to be."""
    image: pulumi.Output[str]
    """The same, once it is there."""

    def __init__(self, name: str, args: ImageBuildArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:ImageBuild", name, {}, opts)
        build, where = args.build, args.where
        sources = core.v1.ConfigMap(
            f"{name}-sources",
            metadata=metadata(build.title, where.namespace),
            data=build.sources,
            immutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        planned = manifest(build, where)
        job = apiextensions.CustomResource(
            f"{name}-job",
            api_version=planned["apiVersion"],
            kind=planned["kind"],
            # a build that failed is tried anew by the next update
            metadata={**planned["metadata"], "annotations": {"pulumi.com/replaceUnready": "true"}},
            spec=planned["spec"],
            opts=pulumi.ResourceOptions(
                parent=self,
                # named in the manifest, which knows of no other resource; its pods mount them while they run
                depends_on=[sources],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{where.deadline_seconds + 600}s"),
            ),
        )
        self.reference = pulumi.Output.from_input(where.repository).apply(lambda url: f"{url}:{build.tag}")
        self.image = once(self.reference, job.id)
        self.register_outputs({"reference": self.reference, "image": self.image})
