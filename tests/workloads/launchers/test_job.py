"""The launcher `job`: a step becomes objects that a cluster takes, finds machines for, and ends in the right way."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest

from tests.conftest import PROJECT
from workloads.hardware import USABLE_SHARE, trainium, trainium_names
from workloads.launchers import LAUNCHERS, PROGRAMS, Launched, Manifest, Site
from workloads.launchers.pods import BUNDLE, EFA, NEURON, SHARED, Nodes
from workloads.programs.errors import EXIT_DISK_FULL, EXIT_USER_ERROR
from workloads.programs.run import plan
from workloads.recipes import RECIPES, Fleet, hashing
from workloads.recipes.step import RESUME_FROM, Earlier, Neuron, Processor

RECIPE = RECIPES["llama3-8b-text-to-sql"]
SITE = Site(
    namespace="team",
    claim="volume",
    images={
        "neuron-training": "registry.example.com/training:1",
        "neuronx-nemo-megatron": "registry.example.com/megatron:1",
    },
    token_secret="the-token",
    trainium=Nodes({"kind": "trainium"}, ({"key": NEURON, "operator": "Exists", "effect": "NoSchedule"},)),
    processors=Nodes({"kind": "processor"}, ({"key": "team", "operator": "Equal", "value": "ours"},)),
)
LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""A DNS label as a Service's name must be one."""


def fleet(name: str = "trn1.32xlarge", nodes: int = 1, efa: bool = True) -> Fleet:
    return Fleet(trainium(name), nodes, efa)


def launched(name: str, on: Fleet | None = None, recipe: str = RECIPE.name, **parameters: Any) -> Launched:
    """The step `name` of a recipe with these parameters, on one trn1.32xlarge without a word."""
    steps = RECIPES[recipe].steps(RECIPES[recipe].parameters(**parameters), on or fleet())
    return Launched(next(step for step in steps if step.name == name), recipe, hashing.hashes(steps), "program-x")


def every(*fleets: Fleet) -> Iterator[Launched]:
    """Every step that becomes a Job, of every recipe, and those on Trainium on each of the fleets."""
    first, *others = fleets or (fleet(), fleet(nodes=2), fleet("trn2.48xlarge", nodes=4))
    for recipe in RECIPES.values():
        for step in (one for one in recipe.steps(recipe.parameters(), first) if one.launcher == "job"):
            yield launched(step.name, first, recipe.name)
            if isinstance(step.placement, Neuron):
                yield from (launched(step.name, on, recipe.name) for on in others)


def objects(what: Launched, site: Site = SITE) -> list[Manifest]:
    return LAUNCHERS[what.step.launcher](what, site)


def job(what: Launched, site: Site = SITE) -> Manifest:
    (found,) = (one for one in objects(what, site) if one["kind"] == "Job")
    return found


def pod(what: Launched, site: Site = SITE) -> Manifest:
    return job(what, site)["spec"]["template"]


def container(what: Launched, site: Site = SITE) -> Manifest:
    (found,) = pod(what, site)["spec"]["containers"]
    return found


def environment(what: Launched) -> dict[str, Manifest]:
    return {one["name"]: one for one in container(what)["env"]}


def argument(what: Launched, name: str) -> str:
    command = container(what)["command"]
    return command[command.index(f"--{name}") + 1]


def named(one: Launched) -> str:
    return f"{one.recipe}-{one.step.name}-{one.step.placement.machine}-{one.step.placement.nodes}"


# what it is made of


def test_the_same_step_makes_the_same_bytes_in_whatever_process() -> None:
    program = (
        "import json; from tests.workloads.launchers.test_job import every, objects;"
        "print(json.dumps([objects(what) for what in every()]))"
    )
    seeds = [{**os.environ, "PYTHONHASHSEED": seed} for seed in ("1", "2")]
    command = [sys.executable, "-c", program]
    told = {subprocess.run(command, env=seed, cwd=PROJECT, capture_output=True, check=True).stdout for seed in seeds}
    assert told == {f"{json.dumps([objects(what) for what in every()])}\n".encode()}


@pytest.mark.parametrize("what", every(), ids=named)
def test_what_goes_through_json_comes_out_as_it_was(what: Launched) -> None:
    assert json.loads(json.dumps(objects(what))) == objects(what)


def test_one_pod_is_a_plain_job_and_nothing_beside_it() -> None:
    (only,) = objects(launched("train"))
    assert only["kind"] == "Job"
    assert (only["spec"]["completions"], only["spec"]["parallelism"]) == (1, 1)
    assert "completionMode" not in only["spec"]
    assert "subdomain" not in only["spec"]["template"]["spec"]


def test_several_pods_are_an_indexed_job_whose_service_is_there_before_it() -> None:
    service, made = objects(launched("train", fleet(nodes=3)))
    assert (service["kind"], made["kind"]) == ("Service", "Job")
    assert (made["spec"]["completions"], made["spec"]["parallelism"]) == (3, 3)
    assert made["spec"]["completionMode"] == "Indexed"


@pytest.mark.parametrize("what", every(), ids=named)
def test_the_object_says_how_many_pods_it_has(what: Launched) -> None:
    made = job(what)
    assert made["metadata"]["annotations"][plan.PODS] == str(made["spec"]["parallelism"])
    assert made["spec"]["parallelism"] == what.step.placement.nodes


@pytest.mark.parametrize("what", every(), ids=named)
def test_the_run_finds_every_object_by_its_labels(what: Launched) -> None:
    mark = {**plan.OWNED, plan.STEP_LABEL: what.step.name, plan.HASH_LABEL: what.hashes[what.step.name]}
    for one in (*objects(what), pod(what)):
        assert mark.items() <= one["metadata"]["labels"].items()


@pytest.mark.parametrize("what", every(), ids=named)
def test_everything_is_made_in_the_sites_namespace(what: Launched) -> None:
    assert {one["metadata"]["namespace"] for one in objects(what)} == {"team"}


# several nodes


def test_the_service_selects_its_own_pods_and_no_others() -> None:
    what = launched("train", fleet(nodes=2))
    selector = objects(what)[0]["spec"]["selector"]
    others = [*every(), launched("train", fleet(nodes=2), learning_rate=2e-5)]
    matching = {one.name for one in others if selector.items() <= pod(one)["metadata"]["labels"].items()}
    assert matching == {what.name}
    assert not selector.items() <= plan.OWNED.items(), "the run's own pod"


def test_the_others_find_the_first_pod_by_the_name_that_the_service_gives_it() -> None:
    what = launched("train", fleet(nodes=2))
    service, made = objects(what)
    subdomain = made["spec"]["template"]["spec"]["subdomain"]
    assert subdomain == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    (port,) = service["spec"]["ports"]
    first = f"{made['metadata']['name']}-0.{subdomain}:{port['port']}"
    assert f"--meet={first}" in container(what)["command"]


def test_the_first_pod_has_its_name_before_it_is_ready() -> None:
    """Pods are ready only when all have met."""
    service, _ = objects(launched("train", fleet(nodes=2)))
    assert service["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("what", every(), ids=named)
def test_every_variable_in_a_command_is_in_its_environment(what: Launched) -> None:
    """Kubernetes leaves an unknown one as it stands."""
    wanted = set(re.findall(r"\$\((\w+)\)", " ".join(container(what)["command"])))
    assert wanted <= set(environment(what))
    assert len(wanted) == (what.step.placement.nodes > 1)


def test_each_pod_knows_its_place_from_its_index() -> None:
    what = launched("train", fleet(nodes=2))
    assert "--node=$(NODE_INDEX)" in container(what)["command"]
    source = environment(what)["NODE_INDEX"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert source == "metadata.annotations['batch.kubernetes.io/job-completion-index']"


@pytest.mark.parametrize(("name", "cores"), [("trn1.32xlarge", 32), ("trn1n.32xlarge", 32), ("trn2.48xlarge", 64)])
def test_a_process_is_started_for_each_neuron_core_of_a_node(name: str, cores: int) -> None:
    for nodes in (1, 4):
        command = container(launched("train", fleet(name, nodes)))["command"]
        assert [word for word in command if word.startswith("--processes")] == [f"--processes={cores}"]
        assert [word for word in command if word.startswith("--nodes")] == [f"--nodes={nodes}"] * (nodes > 1)


@pytest.mark.parametrize("nodes", [1, 3])
def test_what_compiles_is_started_on_the_very_nodes_and_in_as_many_processes_as_what_trains(nodes: int) -> None:
    for recipe in ("llama2-7b-dolly", "llama3-8b-lora"):
        compiles, trains = (launched(name, fleet(nodes=nodes), recipe) for name in ("compile", "train"))
        for what in (compiles, trains):
            assert "--processes=32" in container(what)["command"]
        assert job(compiles)["spec"]["completions"] == job(trains)["spec"]["completions"] == nodes
        assert container(compiles)["resources"] == container(trains)["resources"]


def test_a_step_alone_on_its_node_is_one_process() -> None:
    what = launched("generate", fleet(nodes=2), "llama2-7b-dolly")
    assert container(what)["command"][:3] == ["python3", "-m", "programs.dolly.generate"]
    assert container(what)["resources"]["limits"][NEURON] == "16"
    assert job(what)["spec"]["completions"] == 1


def test_a_step_without_neuron_devices_runs_its_program_itself() -> None:
    assert container(launched("prepare"))["command"][:3] == ["python3", "-m", "programs.text_to_sql.prepare"]


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


# machines

ALLOCATABLE = {
    "trn1.2xlarge": (7_910, 29_317, 1, 0),
    "trn1.32xlarge": (127_610, 481_894, 16, 8),
    "trn1n.32xlarge": (127_610, 481_894, 16, 16),
    "trn2.48xlarge": (191_450, 1_938_410, 16, 16),
}
"""What a node leaves to pods: milli-CPU and MiB (Karpenter 1.14's table), Neuron devices, EFA interfaces."""


def asked(what: Launched) -> tuple[int, int]:
    """Milli-CPU and MiB that a step's pod asks for, the huge pages included."""
    requests = container(what)["resources"]["requests"]
    huge = int(requests.get("hugepages-2Mi", "0Mi").removesuffix("Mi"))
    return int(requests["cpu"].removesuffix("m")), int(requests["memory"].removesuffix("Gi")) * 1024 + huge


@pytest.mark.parametrize("name", trainium_names())
@pytest.mark.parametrize("nodes", [1, 2])
def test_a_pod_on_trainium_takes_all_devices_of_its_node_and_fits_there(name: str, nodes: int) -> None:
    cpu, memory, devices, interfaces = ALLOCATABLE[name]
    what = launched("train", fleet(name, nodes, efa=interfaces > 0))
    requests = container(what)["resources"]["requests"]
    assert requests[NEURON] == str(devices)
    assert requests.get(EFA) == (str(interfaces) if interfaces else None)
    assert asked(what)[0] <= cpu
    assert asked(what)[1] <= memory
    assert asked(what)[0] > cpu / 2, "two would fit on a node"


def test_efa_left_out_is_not_asked_for() -> None:
    plain, fast = (launched("train", fleet(efa=efa)) for efa in (False, True))
    asked_for = [set(container(one)["resources"]["requests"]) for one in (plain, fast)]
    assert EFA not in asked_for[0]
    assert "FI_PROVIDER" not in environment(plain)
    assert EFA in asked_for[1]
    assert environment(fast)["FI_PROVIDER"]["value"] == "efa"


@pytest.mark.parametrize("what", every(), ids=named)
def test_what_cannot_be_shared_out_has_a_limit_equal_to_its_request(what: Launched) -> None:
    """Kubernetes refuses another one for devices and huge pages; CPU and memory may be used beyond the request."""
    resources = container(what)["resources"]
    devices = {key: value for key, value in resources["requests"].items() if key not in ("cpu", "memory")}
    assert resources.get("limits", {}) == devices
    assert bool(devices) == isinstance(what.step.placement, Neuron)


@pytest.mark.parametrize(
    "what", [one for one in every(fleet()) if isinstance(one.step.placement, Processor)], ids=named
)
def test_a_pod_on_a_processor_fits_on_the_machine_that_its_price_is_made_of(what: Launched) -> None:
    machine = what.step.placement.instance  # type: ignore[union-attr]
    assert asked(what)[0] < machine.vcpus * 1000
    assert asked(what)[1] <= machine.memory * 1024 * USABLE_SHARE


@pytest.mark.parametrize("what", every(), ids=named)
def test_pods_go_to_the_nodes_that_the_site_names_for_them(what: Launched) -> None:
    nodes = SITE.trainium if isinstance(what.step.placement, Neuron) else SITE.processors
    spec = pod(what)["spec"]
    assert spec["nodeSelector"] == nodes.selector
    assert spec["tolerations"] == list(nodes.tolerations)


def test_a_site_that_names_no_nodes_leaves_the_choice_to_the_scheduler() -> None:
    spec = pod(launched("prepare"), replace(SITE, processors=Nodes()))["spec"]
    assert not {"nodeSelector", "tolerations"} & set(spec)


@pytest.mark.parametrize("what", every(), ids=named)
def test_the_image_is_the_sites_own(what: Launched) -> None:
    assert what.step.image
    assert container(what)["image"] == SITE.images[what.step.image.name]


def test_without_an_image_nothing_is_launched() -> None:
    with pytest.raises(KeyError, match="neuron-training"):
        objects(launched("train"), replace(SITE, images={}))
    with pytest.raises(KeyError, match="needs an image"):
        objects(replace(launched("train"), step=replace(launched("train").step, image=None)))


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


# names


@pytest.mark.parametrize("what", every(fleet(nodes=RECIPE.most_nodes)), ids=named)
def test_every_name_is_a_dns_label(what: Launched) -> None:
    last = f"{what.name}-{what.step.placement.nodes - 1}"
    names = [one["metadata"]["name"] for one in objects(what)]
    for name in (*names, last):
        assert LABEL.fullmatch(name), name


@pytest.mark.parametrize("what", every(), ids=named)
def test_names_are_short_enough_for_every_kind_that_a_step_may_become(what: Launched) -> None:
    """KubeRay appends to a RayJob's name, and refuses more than 47 characters."""
    assert len(what.name) <= 47


@pytest.mark.parametrize("what", every(), ids=named)
def test_every_label_has_a_value_that_kubernetes_takes(what: Launched) -> None:
    for value in pod(what)["metadata"]["labels"].values():
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", value), value


# how it ends


def action(made: Manifest, status: int, disrupted: bool = False) -> str:
    """What the Job controller does with a failed pod: as the first rule that matches says, else the try counts."""

    def matches(rule: Mapping[str, Any]) -> bool:
        if "onPodConditions" in rule:
            return disrupted and {"type": "DisruptionTarget", "status": "True"} in rule["onPodConditions"]
        codes = rule["onExitCodes"]
        (name,) = (one["name"] for one in made["spec"]["template"]["spec"]["containers"])
        return codes["containerName"] == name and codes["operator"] == "In" and status in codes["values"]

    rules = made["spec"]["podFailurePolicy"]["rules"]
    return next((rule["action"] for rule in rules if matches(rule)), "Count")


@pytest.mark.parametrize("what", every(), ids=named)
def test_a_mistake_that_trying_again_will_not_mend_ends_the_job_at_once(what: Launched) -> None:
    assert (EXIT_USER_ERROR, EXIT_DISK_FULL) == (2, 3)
    assert [action(job(what), status) for status in (2, 3)] == ["FailJob", "FailJob"]


@pytest.mark.parametrize("status", [1, 134, 137, 139, 143])
def test_a_crash_is_tried_again(status: int) -> None:
    made = job(launched("train", fleet(nodes=2)))
    assert action(made, status) == "Count"
    assert made["spec"]["backoffLimit"] >= made["spec"]["completions"]


@pytest.mark.parametrize("status", [1, 2, 3, 137, 143])
def test_a_lost_node_costs_no_try_whatever_its_pod_ended_with(status: int) -> None:
    assert action(job(launched("train")), status, disrupted=True) == "Ignore"


@pytest.mark.parametrize("what", every(), ids=named)
def test_what_the_failure_policy_asks_of_a_job_is_so(what: Launched) -> None:
    """A pod that is restarted in its place never fails; a new one must not come while the old one still writes."""
    assert pod(what)["spec"]["restartPolicy"] == "Never"
    assert job(what)["spec"]["podReplacementPolicy"] == "Failed"


@pytest.mark.parametrize("what", every(), ids=named)
def test_karpenter_leaves_a_working_pod_alone(what: Launched) -> None:
    assert pod(what)["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] == "true"


# what changes what


def test_tuning_changes_the_manifest_and_not_the_hash() -> None:
    before, after = launched("train"), launched("train", checkpoint_every=7)
    assert after.hashes == before.hashes
    assert objects(after) != objects(before)
    assert argument(after, "checkpoint_every") == "7"


def test_an_argument_changes_both() -> None:
    before, after = launched("train"), launched("train", learning_rate=2e-5)
    assert after.hashes["train"] != before.hashes["train"]
    assert after.name != before.name
    assert argument(after, "learning_rate") == "2e-05"


@pytest.mark.parametrize("what", every(), ids=named)
def test_limits_and_expectations_are_not_in_the_manifest(what: Launched) -> None:
    """They are the run's, and count from when all pods run: a changed one must not stop a training."""
    other = replace(what, step=replace(what.step, minutes=what.step.minutes * 2, limit_hours=99))
    assert objects(other) == objects(what)
    assert "activeDeadlineSeconds" not in json.dumps(objects(what))
