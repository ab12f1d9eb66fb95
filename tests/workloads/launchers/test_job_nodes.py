"""The launcher `job`: pods on several nodes find each other, and each finds a machine that it fits on."""

import re
from dataclasses import replace

import pytest

from tests.workloads.launchers.jobs import (
    SITE,
    container,
    environment,
    every,
    fleet,
    job,
    launched,
    named,
    objects,
    pod,
)
from workloads.hardware import USABLE_SHARE, trainium_names
from workloads.launchers import Launched
from workloads.launchers.pods import EFA, NEURON, Nodes
from workloads.programs.run import plan
from workloads.recipes.step import Neuron, Processor

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
