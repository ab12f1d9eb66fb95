"""The launcher `mpi`: an MPIJob as mpi-operator 0.8 takes it, one process of the program on each node."""

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.components.crds import definition, faults, needs_definitions
from workloads.hardware import trainium, trainium_names
from workloads.launchers import PROGRAMS, Manifest
from workloads.launchers import mpi as mpis
from workloads.launchers.pods import EFA, NEURON
from workloads.programs.run import plan

from .gangs import launched, manifest
from .jobs import SITE


def job(**parameters: Any) -> Manifest:
    return manifest(launched("mpi", **parameters))


def replicas(made: Manifest) -> dict[str, Manifest]:
    return made["spec"]["mpiReplicaSpecs"]


def container(made: Manifest, role: str) -> Manifest:
    (found,) = replicas(made)[role]["template"]["spec"]["containers"]
    return found


def mpirun(made: Manifest) -> list[str]:
    """The launcher's command from mpirun on."""
    command = container(made, "Launcher")["command"]
    return command[command.index("--") + 1 :]


def passed_on(made: Manifest) -> set[str]:
    words = mpirun(made)
    return {words[index + 1] for index, word in enumerate(words) if word == "-x"}


# what the operator takes


@needs_definitions
@pytest.mark.parametrize("instance", trainium_names())
def test_it_passes_the_schema_of_its_definition(instance: str) -> None:
    schema = definition("MPIJob", "v2beta1")["properties"]["spec"]
    assert list(faults(job(instance=instance)["spec"], schema)) == []


@needs_definitions
def test_a_field_that_the_definition_does_not_know_is_found() -> None:
    spec = {**job()["spec"], "slotPerWorker": 1}
    assert list(faults(spec, definition("MPIJob", "v2beta1")["properties"]["spec"]))


def test_what_the_operators_own_validation_asks_for_is_there() -> None:
    """It tells of a fault by an event alone: nobody would see that the job never begins (v0.8.0, validation.go)."""
    made = job(nodes=8)
    assert len(f"{made['metadata']['name']}-worker-7") <= 63
    assert made["spec"]["runPolicy"]["cleanPodPolicy"] in ("None", "Running", "All")
    for spec in replicas(made).values():
        assert spec["restartPolicy"] in ("Never", "OnFailure")
        assert "restartPolicy" not in spec["template"]["spec"], "the operator overrides it, and warns"
    assert replicas(made)["Launcher"]["replicas"] == 1


# launcher and workers


@pytest.mark.parametrize("instance", trainium_names())
def test_a_worker_takes_a_whole_node(instance: str) -> None:
    on = trainium(instance)
    fabric = {EFA: str(on.efa_interfaces)} if on.efa_interfaces else {}
    made = job(instance=instance)
    assert container(made, "Worker")["resources"]["limits"] == {NEURON: str(on.neuron_devices), **fabric}
    assert replicas(made)["Worker"]["template"]["spec"]["nodeSelector"] == SITE.trainium.selector


def test_the_launcher_holds_no_device_and_stays_off_trainium() -> None:
    made = job()
    assert not {NEURON, EFA} & set(container(made, "Launcher")["resources"]["requests"])
    assert replicas(made)["Launcher"]["template"]["spec"]["nodeSelector"] == SITE.processors.selector


def test_the_launcher_is_made_when_the_workers_listen() -> None:
    made = job()
    assert made["spec"]["launcherCreationPolicy"] == "WaitForWorkersReady"
    assert container(made, "Worker")["readinessProbe"]["tcpSocket"]["port"] == mpis.SSH


@pytest.mark.parametrize("nodes", [1, 4])
def test_one_process_runs_on_each_node(nodes: int) -> None:
    made = job(nodes=nodes)
    words = mpirun(made)
    assert replicas(made)["Worker"]["replicas"] == nodes
    assert words[words.index("-np") + 1] == str(nodes)
    assert words[words.index("--map-by") + 1] == "ppr:1:node"
    assert made["spec"]["slotsPerWorker"] == 1
    assert made["metadata"]["annotations"][plan.PODS] == str(nodes + 1)


def test_a_launcher_that_is_tried_again_waits_for_every_worker_by_name() -> None:
    what = launched("mpi", nodes=3)
    command = container(manifest(what), "Launcher")["command"]
    (hosts,) = (word for word in command if word.startswith("--hosts="))
    names = [f"{what.name}-worker-{index}.{what.name}" for index in range(3)]
    assert hosts == f"--hosts={','.join(names)}"
    assert f"--port={mpis.SSH}" in command


def test_the_processes_meet_at_the_first_worker() -> None:
    what = launched("mpi", nodes=3)
    environment = {one["name"]: one.get("value") for one in container(manifest(what), "Launcher")["env"]}
    assert environment["MASTER_ADDR"] == f"{what.name}-worker-0.{what.name}"
    assert environment["MASTER_PORT"]
    assert {"MASTER_ADDR", "MASTER_PORT"} <= passed_on(manifest(what))


def test_the_program_has_the_whole_environment_that_its_pods_would_give_it() -> None:
    """sshd hands on none of it."""
    made = job()
    declared = {one["name"] for one in container(made, "Worker")["env"]}
    assert {"PYTHONPATH", "HF_TOKEN", "NEURON_COMPILE_CACHE_URL", "FI_PROVIDER"} <= declared
    assert declared | {"PATH", "LD_LIBRARY_PATH"} <= passed_on(made)
    assert passed_on(made) - {"PATH", "LD_LIBRARY_PATH"} == {one["name"] for one in container(made, "Launcher")["env"]}


def test_the_token_is_in_no_command() -> None:
    secret = {"secretKeyRef": {"name": "the-token", "key": "token"}}
    made = job()
    (token,) = (one for one in container(made, "Launcher")["env"] if one["name"] == "HF_TOKEN")
    assert token["valueFrom"] == secret


def test_the_program_is_started_with_its_arguments() -> None:
    what = launched("mpi")
    words = mpirun(manifest(what))
    program = words[words.index("python3") :]
    assert program[:3] == ["python3", "-m", "programs.text_to_sql.train"]
    assert program[program.index("--out") + 1] == f"/shared/runs/made-up-mpi/train-{what.hashes['train']}"
    started = {word for word in container(manifest(what), "Launcher")["command"] if re.match(r"programs\.", word)}
    assert started == set(PROGRAMS["mpi"](what.step))


@pytest.mark.parametrize("role", ["Launcher", "Worker"])
def test_the_run_finds_every_pod_and_each_has_sources_and_volume(role: str) -> None:
    what = launched("mpi")
    mark = {**plan.OWNED, plan.STEP_LABEL: "train", plan.HASH_LABEL: what.hashes["train"]}
    template = replicas(manifest(what))[role]["template"]
    assert mark.items() <= manifest(what)["metadata"]["labels"].items()
    assert mark.items() <= template["metadata"]["labels"].items()
    volumes = {one["name"]: one for one in template["spec"]["volumes"]}
    mounts = {one["mountPath"]: volumes[one["name"]] for one in container(manifest(what), role)["volumeMounts"]}
    assert mounts["/shared"]["persistentVolumeClaim"] == {"claimName": "volume"}
    assert mounts["/trainyard/program"]["configMap"] == {"name": "program-x"}


# root and ssh


def test_root_may_log_in_with_keys_that_are_mounted() -> None:
    made = job()
    assert made["spec"]["sshAuthMountPath"] == "/root/.ssh"
    assert "StrictModes=no" in container(made, "Worker")["command"][-1]
    words = mpirun(made)
    assert "--allow-run-as-root" in words
    asked = words[words.index("plm_rsh_args") + 1]
    assert "StrictHostKeyChecking=no" in asked
    assert "UserKnownHostsFile=/dev/null" in asked, "the mounted folder cannot be written to"


# how it ends


def test_nodes_are_free_at_the_end_and_the_launchers_log_stays() -> None:
    policy = job()["spec"]["runPolicy"]
    assert policy["cleanPodPolicy"] == "Running"
    assert "ttlSecondsAfterFinished" not in policy
    assert "activeDeadlineSeconds" not in policy


def test_it_is_tried_again_and_each_trys_pod_stays() -> None:
    made = job(nodes=4)
    assert made["spec"]["runPolicy"]["backoffLimit"] == 12
    assert replicas(made)["Launcher"]["restartPolicy"] == "Never"
    assert replicas(made)["Worker"]["restartPolicy"] == "OnFailure"


def test_limits_of_the_run_are_not_in_the_manifest() -> None:
    what = launched("mpi")
    other = replace(what, step=replace(what.step, minutes=1, limit_hours=99))
    assert manifest(other) == manifest(what)
