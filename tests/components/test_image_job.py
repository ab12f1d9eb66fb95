"""The Job that builds an image: nothing twice, without root, and with no secret left anywhere."""

import base64
import dataclasses
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.image_job import BUILD, LOGIN, Build, Workshop, manifest

IMAGE = Build(name="training", dockerfile="FROM base\n", files={"wheels.txt": "a==1"}, arguments={"SDK": "2.26.1"})
REPOSITORY = "123456789012.dkr.ecr.us-west-2.amazonaws.com/training-1a2b"
WHERE = Workshop(namespace="place", account="image-builder", repository=REPOSITORY, region="us-west-2")


def pod(build: Build = IMAGE, where: Workshop = WHERE) -> dict[str, Any]:
    return manifest(build, where)["spec"]["template"]["spec"]


def containers() -> dict[str, dict[str, Any]]:
    made = pod()
    return {one["name"]: one for one in [*made["initContainers"], *made["containers"]]}


@pytest.mark.parametrize(
    "change",
    [
        {"dockerfile": "FROM other\n"},
        {"files": {"wheels.txt": "a==2"}},
        {"files": {"other.txt": "a==1"}},
        {"arguments": {"SDK": "2.27.0"}},
    ],
)
def test_whatever_changes_the_image_changes_its_tag_and_the_jobs_name(change: dict[str, Any]) -> None:
    other = dataclasses.replace(IMAGE, **change)
    assert other.tag != IMAGE.tag
    assert manifest(other, WHERE)["metadata"]["name"] != manifest(IMAGE, WHERE)["metadata"]["name"]


def test_the_same_content_has_the_same_tag_in_whatever_order_it_is_given() -> None:
    files = {"b": "2", "a": "1"}
    one = dataclasses.replace(IMAGE, files=files)
    other = dataclasses.replace(IMAGE, files=dict(sorted(files.items())))
    assert one.tag == other.tag


def test_the_manifest_is_plain_data() -> None:
    assert json.loads(json.dumps(manifest(IMAGE, WHERE))) == manifest(IMAGE, WHERE)


def test_values_that_are_not_known_yet_are_passed_on_unseen() -> None:
    unknown = object()
    made = pod(where=dataclasses.replace(WHERE, repository=unknown))
    for container in [*made["initContainers"], *made["containers"]]:
        assert unknown in [one["value"] for one in container["env"]]


def test_no_container_is_root_or_has_the_clusters_token() -> None:
    made = pod()
    assert made["securityContext"]["runAsNonRoot"] is True
    assert made["securityContext"]["runAsUser"] == 1000
    assert made["automountServiceAccountToken"] is False
    assert not [one for one in containers().values() if one["securityContext"].get("privileged")]


def test_filters_are_off_for_buildkit_alone() -> None:
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "seccompProfile" not in containers()["login"]["securityContext"]
    assert containers()["login"]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    unfiltered = containers()["buildkit"]["securityContext"]
    assert unfiltered["seccompProfile"] == unfiltered["appArmorProfile"] == {"type": "Unconfined"}


def test_the_login_is_in_memory_and_goes_with_the_pod() -> None:
    (login,) = [one for one in pod()["volumes"] if one["name"] == "login"]
    assert login["emptyDir"]["medium"] == "Memory"
    assert {"name": "DOCKER_CONFIG", "value": "/login"} in containers()["buildkit"]["env"]


def test_a_node_with_room_for_the_layers_is_asked_for() -> None:
    (layers,) = [one for one in pod()["volumes"] if one["name"] == "layers"]
    assert containers()["buildkit"]["resources"]["requests"]["ephemeral-storage"] == layers["emptyDir"]["sizeLimit"]


def test_a_disruption_costs_no_try_and_time_is_limited() -> None:
    spec = manifest(IMAGE, dataclasses.replace(WHERE, deadline_seconds=60))["spec"]
    assert spec["activeDeadlineSeconds"] == 60
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule["action"] == "Ignore"
    assert spec["template"]["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] == "true"


def test_it_goes_to_the_nodes_that_are_named() -> None:
    toleration = {"key": "building", "operator": "Exists"}
    made = pod(where=dataclasses.replace(WHERE, node_selector={"pool": "cpu"}, tolerations=(toleration,)))
    assert (made["nodeSelector"], made["tolerations"]) == ({"pool": "cpu"}, [toleration])


def test_with_a_mirror_both_images_come_from_it() -> None:
    made = pod(where=dataclasses.replace(WHERE, mirror="registry.example"))
    assert all(one["image"].startswith("registry.example/") for one in [*made["initContainers"], *made["containers"]])


# --- the two scripts, run here with made-up programs in the place of AWS's and BuildKit's


class Machine:
    """A folder that plays the pod's file system."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("bin", "login", "context", "source", "tmp"):
            (folder / name).mkdir()
        self.program("aws", "exit 1")

    def program(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.folder}/called\n{body}\n')
        path.chmod(0o755)

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        script = re.sub(r"/(login|context|source|tmp)/", rf"{self.folder}/\1/", script)
        known = {"PATH": f"{self.folder}/bin:/usr/bin:/bin", "REPOSITORY": REPOSITORY, "TAG": "abc", "REGISTRIES": ""}
        command = ["/bin/sh", "-c", script, "build", *arguments]
        return subprocess.run(command, env={**known, **environment}, capture_output=True, text=True, check=False)

    @property
    def called(self) -> str:
        path = self.folder / "called"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    (tmp_path / "source" / "Dockerfile").symlink_to(_file(tmp_path / "hidden", "FROM base\n"))
    return made


def _file(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


NOT_THERE = """case "$2" in
  describe-images) echo "An error occurred (ImageNotFoundException) when calling the DescribeImages" >&2; exit 254;;
  get-login-password) printf secret;;
esac"""


def test_an_image_that_is_there_is_not_built_again(machine: Machine) -> None:
    machine.program("aws", "exit 0")
    machine.program("buildctl-daemonless.sh", "exit 0")
    assert machine.run(LOGIN).returncode == 0
    assert "--repository-name training-1a2b --image-ids imageTag=abc" in machine.called
    assert machine.run(BUILD).returncode == 0
    assert "buildctl" not in machine.called
    assert not (machine.folder / "login" / "config.json").exists()


def test_where_it_is_not_there_the_login_is_written_for_every_registry(machine: Machine) -> None:
    machine.program("aws", NOT_THERE)
    done = machine.run(LOGIN, REGISTRIES="763104351884.dkr.ecr.us-west-2.amazonaws.com")
    assert done.returncode == 0
    config = json.loads((machine.folder / "login" / "config.json").read_text())
    assert set(config["auths"]) == {REPOSITORY.partition("/")[0], "763104351884.dkr.ecr.us-west-2.amazonaws.com"}
    for one in config["auths"].values():
        assert base64.b64decode(one["auth"]) == b"AWS:secret"
    assert "secret" not in done.stdout + done.stderr


def test_a_refused_look_fails_with_awss_own_words(machine: Machine) -> None:
    machine.program("aws", NOT_THERE.replace("ImageNotFoundException", "AccessDeniedException"))
    done = machine.run(LOGIN)
    assert done.returncode != 0
    assert "AccessDeniedException" in done.stderr


def test_a_refused_login_fails(machine: Machine) -> None:
    machine.program("aws", NOT_THERE.replace("printf secret", "exit 1"))
    assert machine.run(LOGIN).returncode != 0
    assert not (machine.folder / "login" / "config.json").exists()


def test_sources_are_copied_as_files_and_not_as_links(machine: Machine) -> None:
    machine.program("aws", NOT_THERE)
    machine.run(LOGIN)
    copied = machine.folder / "context" / "Dockerfile"
    assert not copied.is_symlink()
    assert copied.read_text() == "FROM base\n"


def test_the_image_is_pushed_by_its_tag_with_the_builds_arguments(machine: Machine) -> None:
    machine.program("buildctl-daemonless.sh", "exit 0")
    arguments = containers()["buildkit"]["command"][4:]
    assert machine.run(BUILD, *arguments).returncode == 0
    assert f"--output type=image,name={REPOSITORY}:abc,push=true" in machine.called
    assert "--opt build-arg:SDK=2.26.1" in machine.called


def test_a_build_that_fails_fails_the_job(machine: Machine) -> None:
    machine.program("buildctl-daemonless.sh", "exit 3")
    assert machine.run(BUILD).returncode == 3
