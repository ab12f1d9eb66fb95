"""The launcher `ray`: a RayJob as KubeRay 1.7 takes it, with a gang of its own that goes when the job ends."""

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.crds import definition, faults, needs_definitions
from workloads.hardware import USABLE_SHARE, trainium, trainium_names
from workloads.launchers import PROGRAMS, Manifest
from workloads.launchers import ray as rays
from workloads.launchers.pods import EFA, NEURON
from workloads.programs.run import plan
from workloads.recipes import RECIPES, Fleet

from .gangs import launched, manifest
from .jobs import SITE

QUEUED = replace(SITE, queue="gangs")


def job(**parameters: Any) -> Manifest:
    return manifest(launched("ray", **parameters), QUEUED)


def cluster(made: Manifest) -> Manifest:
    return made["spec"]["rayClusterSpec"]


def workers(made: Manifest) -> Manifest:
    (group,) = cluster(made)["workerGroupSpecs"]
    return group


def templates(made: Manifest) -> dict[str, Manifest]:
    return {
        "head": cluster(made)["headGroupSpec"]["template"],
        "worker": workers(made)["template"],
        "submitter": made["spec"]["submitterPodTemplate"],
    }


def container(template: Manifest) -> Manifest:
    (found,) = template["spec"]["containers"]
    return found


# what KubeRay takes


@needs_definitions
@pytest.mark.parametrize("instance", trainium_names())
def test_it_passes_the_schema_of_its_definition(instance: str) -> None:
    made = job(instance=instance)
    assert list(faults(made["spec"], definition("RayJob", "v1")["properties"]["spec"])) == []


@needs_definitions
def test_a_field_that_the_definition_does_not_know_is_found() -> None:
    spec = {**job()["spec"], "ttlSecondsAfterFinish": 1}
    assert list(faults(spec, definition("RayJob", "v1")["properties"]["spec"]))


def test_what_kuberay_forbids_to_go_together_does_not() -> None:
    """Its validation, v1.7.0, utils/validation.go: each of these ends a RayJob before it begins."""
    spec = job()["spec"]
    assert spec["ttlSecondsAfterFinished"] > 0
    assert spec["shutdownAfterJobFinishes"]
    assert not {"clusterSelector", "deletionStrategy", "activeDeadlineSeconds", "suspend"} & set(spec)
    group = workers(job())
    assert {"minReplicas", "maxReplicas"} <= set(group)
    assert not {"num-cpus", "num-gpus", "memory", "resources", "labels"} & set(group["rayStartParams"])
    version = tuple(map(int, cluster(job())["rayVersion"].split(".")))
    assert cluster(job())["authOptions"] == {"mode": "token"}
    assert version >= (2, 52)


def test_names_leave_room_for_what_kuberay_appends() -> None:
    assert len(job()["metadata"]["name"]) <= 47


def test_the_version_that_the_launcher_names_is_that_of_the_recipes_images() -> None:
    def pinned(packages: tuple[str, ...]) -> set[str]:
        return {one.partition("==")[2] for one in packages if one.startswith("ray")}

    images = {
        step.image
        for recipe in RECIPES.values()
        for step in recipe.steps(recipe.parameters(), Fleet(trainium("trn1.32xlarge"), 1, efa=True))
        if step.launcher == "ray" and step.image
    }
    assert {version for image in images for version in pinned(image.packages)} <= {rays.RAY_VERSION}
    dependencies = (Path(__file__).parents[3] / "requirements-dev.txt").read_text()
    rehearsal = (Path(__file__).parents[3] / "requirements-rehearsal.txt").read_text()
    assert f"=={rays.RAY_VERSION}" in "".join(
        line for line in f"{dependencies}\n{rehearsal}".splitlines() if line.startswith("ray")
    )


# the gang


@pytest.mark.parametrize("nodes", [1, 2, 4])
def test_there_are_as_many_workers_as_nodes_from_the_start_to_the_end(nodes: int) -> None:
    group = workers(job(nodes=nodes))
    assert (group["replicas"], group["minReplicas"], group["maxReplicas"]) == (nodes, nodes, nodes)
    assert "enableInTreeAutoscaling" not in cluster(job(nodes=nodes))


@pytest.mark.parametrize("instance", trainium_names())
def test_a_worker_takes_a_whole_node_and_offers_its_neuron_cores_to_ray(instance: str) -> None:
    on = trainium(instance)
    group = workers(job(instance=instance))
    limits = container(group["template"])["resources"]["limits"]
    fabric = {EFA: str(on.efa_interfaces)} if on.efa_interfaces else {}
    assert limits == {NEURON: str(on.neuron_devices), **fabric}
    assert group["resources"] == {"neuron_cores": str(on.neuron_cores)}


def test_head_and_submitter_hold_no_device_and_stay_off_trainium() -> None:
    for name in ("head", "submitter"):
        template = templates(job())[name]
        assert not {NEURON, EFA} & set(container(template)["resources"]["requests"])
        assert template["spec"]["nodeSelector"] == SITE.processors.selector
    assert templates(job())["worker"]["spec"]["nodeSelector"] == SITE.trainium.selector


def test_the_head_fits_the_machine_that_it_is_meant_for() -> None:
    assert rays.HEAD.memory <= rays.HEAD.instance.memory * USABLE_SHARE
    assert (rays.HEAD.instance.vcpus, rays.HEAD.instance.memory) == (8, 32)


def test_the_queue_is_named_where_there_is_one() -> None:
    assert job()["metadata"]["labels"]["volcano.sh/queue-name"] == "gangs"
    assert "volcano.sh/queue-name" not in manifest(launched("ray"))["metadata"]["labels"]


@pytest.mark.parametrize("nodes", [1, 2, 4])
def test_a_queue_with_the_steps_room_holds_all_its_pods(nodes: int) -> None:
    """The seed's queue was too small for four nodes."""
    what = launched("ray", nodes=nodes)
    made = manifest(what)
    counts = {"head": 1, "submitter": 1, "worker": nodes}
    asked = {"cpu": 0.0, "memory": 0.0, NEURON: 0.0, EFA: 0.0}
    for name, template in templates(made).items():
        for resource, amount in container(template)["resources"]["requests"].items():
            number = float(amount[:-1]) / 1000 if amount.endswith("m") else float(amount.removesuffix("Gi"))
            asked[resource] += counts[name] * number
    room = rays.room(what.step)
    assert {name for name in asked if asked[name] > room[name]} == set()
    assert room[NEURON] == 16 * nodes


# who finds what


def test_the_run_finds_the_job_and_all_its_pods_by_their_labels() -> None:
    what = launched("ray")
    mark = {**plan.OWNED, plan.STEP_LABEL: "train", plan.HASH_LABEL: what.hashes["train"]}
    made = manifest(what)
    for one in (made, *templates(made).values()):
        assert mark.items() <= one["metadata"]["labels"].items()


@pytest.mark.parametrize("nodes", [1, 3])
def test_it_says_how_many_pods_run_when_all_do(nodes: int) -> None:
    made = job(nodes=nodes)
    assert made["metadata"]["annotations"][plan.PODS] == str(nodes + len(["head", "submitter"]))


@pytest.mark.parametrize("who", ["head", "worker", "submitter"])
def test_every_pod_has_the_sources_the_volume_and_the_token_by_reference(who: str) -> None:
    template = templates(job())[who]
    environment = {one["name"]: one for one in container(template)["env"]}
    assert environment["PYTHONPATH"]["value"] == "/trainyard/program/program.zip"
    assert environment["HF_TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "the-token", "key": "token"}
    volumes = {one["name"]: one for one in template["spec"]["volumes"]}
    mounts = {one["mountPath"]: volumes[one["name"]] for one in container(template)["volumeMounts"]}
    assert mounts["/shared"]["persistentVolumeClaim"] == {"claimName": "volume"}
    assert mounts["/trainyard/program"]["configMap"] == {"name": "program-x"}
    assert template["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] == "true"
    assert template["spec"]["automountServiceAccountToken"] is False


def test_no_image_needs_wget_for_its_pods_to_be_ready() -> None:
    for who in ("head", "worker"):
        for probe in ("readinessProbe", "livenessProbe"):
            assert container(templates(job())[who])[probe]["httpGet"]["port"] == 52365


def test_ray_start_is_kuberays_own() -> None:
    for template in templates(job()).values():
        assert "command" not in container(template)


# the entry point


def test_the_entry_point_is_the_program_with_its_arguments() -> None:
    what = launched("ray")
    words = shlex.split(manifest(what)["spec"]["entrypoint"])
    assert words[:3] == ["python3", "-m", "programs.text_to_sql.train"]
    assert words[words.index("--out") + 1] == f"/shared/runs/made-up-ray/train-{what.hashes['train']}"
    assert PROGRAMS["ray"](what.step) == (what.step.program,)


def arrives(words: list[str]) -> list[str]:
    """What a program is started with that is handed to a RayJob: KubeRay's shell, Ray's command line, the head's."""
    taken = _words("bash", f"{rays.entrypoint(words)} ;")
    return _words("sh", subprocess.list2cmdline(taken))


def _words(shell: str, line: str) -> list[str]:
    """The words that a shell takes a command line apart into."""
    done = subprocess.run([shell, "-ec", rf"printf '%s\0' {line}"], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


HARD = [
    "",
    "a b",
    "it's",
    'say "hi"',
    "a$HOME",
    "`id`",
    "*",
    "a;b",
    "a&&b",
    "$(id) x",
    "a\\b c",
    "é ü",
    "#x",
    "~",
    "!x",
]


def test_arguments_arrive_as_they_were_through_all_shells() -> None:
    assert arrives(HARD) == HARD


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"])), min_size=1, max_size=20))
def test_any_argument_arrives_as_it_was_or_is_refused(words: list[str]) -> None:
    try:
        rays.entrypoint(words)
    except ValueError:
        assert any("\\" in word for word in words)
    else:
        assert arrives(words) == words


def test_what_cannot_arrive_is_refused() -> None:
    for word in ("a\nb", 'a\\"b', "a b\\"):
        with pytest.raises(ValueError, match="cannot be handed"):
            rays.entrypoint([word])


def test_the_runtime_environment_is_the_seeds_with_the_shared_cache() -> None:
    variables = json.loads(job()["spec"]["runtimeEnvYAML"])["env_vars"]
    assert variables["NEURON_COMPILE_CACHE_URL"] == "/shared/neuron-cache"
    assert variables["NEURON_CC_FLAGS"] == "--model-type transformer --distribution-strategy=llm-training"
    assert set(map(type, variables.values())) == {str}
    assert not {"$", "`", "!"} & set(job()["spec"]["runtimeEnvYAML"]), "a shell would read it"


# how it ends


def test_it_is_tried_again_with_a_new_cluster_and_keeps_its_nodes_no_longer_than_a_minute() -> None:
    spec = job()["spec"]
    assert spec["backoffLimit"] == 3
    assert spec["submitterConfig"]["backoffLimit"] == 3
    assert spec["ttlSecondsAfterFinished"] <= 60


def test_limits_of_the_run_are_not_in_the_manifest() -> None:
    """A changed one must not stop a training; KubeRay's own deadline comes after any that a run may have."""
    what = launched("ray")
    other = replace(what, step=replace(what.step, minutes=1, limit_hours=99))
    assert manifest(other) == manifest(what)
    assert manifest(what)["spec"]["preRunningDeadlineSeconds"] >= 7 * 24 * 3600
