"""The launcher `job`: what a pod is given: sources, folders, volumes, the token, and where results go."""

import json
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from tests.workloads.launchers.jobs import (
    RECIPE,
    SITE,
    argument,
    container,
    environment,
    every,
    launched,
    named,
    objects,
    pod,
)
from workloads.launchers import PROGRAMS, Launched
from workloads.launchers.pods import BUNDLE, SHARED
from workloads.recipes.step import RESUME_FROM, Earlier

# sources, folders and volumes


@pytest.mark.parametrize("what", every(), ids=named)
def test_the_programs_that_a_pod_starts_are_those_whose_sources_it_gets(what: Launched) -> None:
    started = tuple(word for word in container(what)["command"] if word.startswith("programs."))
    assert sorted(started) == sorted(PROGRAMS[what.step.launcher](what.step))


@pytest.mark.parametrize("what", every(), ids=named)
def test_every_mount_has_its_volume_and_every_volume_its_mount(what: Launched) -> None:
    volumes = [one["name"] for one in pod(what)["spec"]["volumes"]]
    mounts = [one["name"] for one in container(what)["volumeMounts"]]
    assert sorted(volumes) == sorted(mounts)
    assert len(set(volumes)) == len(volumes)


@pytest.mark.parametrize("what", every(), ids=named)
def test_a_pod_reads_the_sites_claim_and_its_own_sources(what: Launched) -> None:
    volumes = {one["name"]: one for one in pod(what)["spec"]["volumes"]}
    mounts = {one["mountPath"]: one for one in container(what)["volumeMounts"]}
    assert volumes[mounts["/shared"]["name"]]["persistentVolumeClaim"] == {"claimName": "volume"}
    (program,) = (one for one in mounts.values() if "configMap" in volumes[one["name"]])
    assert volumes[program["name"]]["configMap"] == {"name": "program-x"}
    assert program["readOnly"] is True
    assert environment(what)["PYTHONPATH"]["value"] == f"{program['mountPath']}/{BUNDLE}"


@pytest.mark.parametrize("what", every(), ids=named)
def test_every_path_that_a_pod_is_given_lies_on_one_of_its_volumes(what: Launched) -> None:
    mounts = [one["mountPath"] for one in container(what)["volumeMounts"]]
    values = [one["value"] for one in container(what)["env"] if "value" in one]
    paths = [PurePosixPath(word) for word in (*container(what)["command"], *values) if word.startswith("/")]
    assert len(paths) >= 3
    assert [path for path in paths if not any(path.is_relative_to(mount) for mount in mounts)] == []


@pytest.mark.parametrize("what", every(), ids=named)
def test_a_step_writes_into_its_own_folder_and_reads_those_of_the_steps_it_needs(what: Launched) -> None:
    def folder(name: str) -> str:
        return f"/shared/runs/{what.recipe}/{name}-{what.hashes[name]}"

    command = container(what)["command"]
    assert argument(what, "out") == folder(what.step.name)
    assert command.count("--out") == 1
    places = (word.split("/") for word in command if word.startswith(f"{SHARED}/runs/"))
    read = {"/".join(place[:5]) for place in places} - {folder(what.step.name)}
    assert read == {folder(name) for name in what.step.needs}


def test_an_earlier_training_is_found_in_its_own_folder() -> None:
    what = launched("train")
    assert argument(what, RESUME_FROM) == ""
    resumed = replace(what.step, arguments={**what.step.arguments, RESUME_FROM: Earlier("train", "0123456789")})
    there = argument(replace(what, step=resumed), RESUME_FROM)
    assert there == f"/shared/runs/{RECIPE.name}/train-0123456789"


# the token


def test_the_token_comes_from_its_secret_alone() -> None:
    given = environment(launched("train"))["HF_TOKEN"]
    assert given == {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "the-token", "key": "token"}}}


def test_a_step_that_needs_no_token_gets_none() -> None:
    for name in ("prepare", "train", "consolidate", "test"):
        assert "HF_TOKEN" in environment(launched(name))
        assert "the-token" not in json.dumps(objects(launched(name, model="my/model", tokenizer="my/model")))


@pytest.mark.parametrize("what", every(), ids=named)
def test_a_program_cannot_speak_to_the_cluster(what: Launched) -> None:
    assert pod(what)["spec"]["automountServiceAccountToken"] is False


# results


def test_a_step_finds_where_results_go_and_whose_they_are() -> None:
    site = replace(SITE, results="s3://kept", stack="dev")
    for what in every():
        given = {one["name"]: one.get("value") for one in container(what, site)["env"]}
        assert (given["TRAINYARD_RESULTS"], given["TRAINYARD_STACK"]) == ("s3://kept", "dev")


def test_rights_in_aws_come_with_a_service_account_and_none_in_the_cluster_with_them() -> None:
    for what in every():
        assert "serviceAccountName" not in pod(what)["spec"]
        spec = pod(what, replace(SITE, account="trainer"))["spec"]
        assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("trainer", False)
