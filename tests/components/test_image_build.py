"""An image as a resource: its Job, and who waits for it."""

import pulumi
from pulumi_kubernetes import core

from components.image_build import ImageBuild, ImageBuildArgs
from components.image_builder import ImageBuilder, ImageBuilderArgs
from components.image_job import Build, Workshop, manifest
from stacks.recorder import Recording
from tests.components.recorded import only, recorded, waits_for

IMAGE = Build(name="training", dockerfile="FROM base\n")


def built() -> Recording:
    def program() -> None:
        builder = ImageBuilder("builder", ImageBuilderArgs(cluster_name="yard", namespace="place", push=["arn:own"]))
        where = Workshop(namespace="place", account=builder.account, repository="host/own", region="us-west-2")
        image = ImageBuild("image", ImageBuildArgs(build=IMAGE, where=where))
        core.v1.Pod("trains", spec={"containers": [{"name": "x", "image": image.image}]})
        core.v1.Pod("looks", spec={"containers": [{"name": "x", "image": image.reference}]})
        pulumi.export("reference", image.reference)

    return recorded(program)


def test_the_job_is_the_manifests_with_nothing_left_out() -> None:
    job = only(built(), "kubernetes:batch/v1:Job").inputs
    where = Workshop(namespace="place", account="image-builder", repository="host/own", region="us-west-2")
    assert job["spec"] == manifest(IMAGE, where)["spec"]
    assert job["metadata"]["name"] == IMAGE.title


def test_a_build_that_failed_is_tried_anew_by_the_next_update() -> None:
    assert only(built(), "Job").inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}


def test_the_job_finds_its_sources_and_gets_credentials() -> None:
    recording = built()
    sources = only(recording, "ConfigMap").inputs
    assert sources["metadata"]["name"] == IMAGE.title
    assert (sources["data"], sources["immutable"]) == ({"Dockerfile": "FROM base\n"}, True)
    assert waits_for(recording, "image-job") >= {"image-sources", "builder-identity-association"}


def test_who_takes_the_image_waits_until_it_is_there_and_who_takes_its_name_does_not() -> None:
    recording = built()
    assert "image-job" in waits_for(recording, "trains")
    assert "image-job" not in waits_for(recording, "looks")
    assert recording.outputs["reference"] == f"host/own:{IMAGE.tag}"


def test_an_update_waits_longer_than_the_job_may_take() -> None:
    job = only(built(), "Job")
    seconds = int(job.request.customTimeouts.create.removesuffix("s"))
    assert seconds > job.inputs["spec"]["activeDeadlineSeconds"]
