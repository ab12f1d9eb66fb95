"""The device plugins: on every node that has devices, whatever its taints."""

from components.operators.efa import EfaPlugin, EfaPluginArgs
from components.operators.efa import values as efa_values
from components.operators.neuron import NeuronPlugin, NeuronPluginArgs
from components.operators.neuron import values as neuron_values
from tests.components.recorded import only, recorded

ANY_TAINT = [{"operator": "Exists"}]


def test_the_neuron_chart_brings_device_plugin_and_problem_detector_and_no_scheduler() -> None:
    made = only(recorded(lambda: NeuronPlugin("neuron", NeuronPluginArgs())), "Chart").inputs
    assert made["name"] == "neuron-helm-chart"
    assert made["values"]["devicePlugin"]["enabled"] is True
    assert made["values"]["npd"]["enabled"] is True
    assert made["values"]["scheduler"] == {"enabled": False}


def test_nodes_are_watched_and_never_terminated() -> None:
    assert neuron_values(NeuronPluginArgs())["npd"]["nodeRecovery"]["enabled"] is False


def test_the_problem_detector_needs_no_namespace_that_nobody_makes() -> None:
    assert neuron_values(NeuronPluginArgs())["npd"]["namespaceOverride"] == "kube-system"


def test_the_scheduler_extension_comes_when_asked_for_and_stays_off_trainium_nodes() -> None:
    core = {"role": "core"}
    scheduler = neuron_values(NeuronPluginArgs(scheduler_extension=True, node_selector=core))["scheduler"]
    assert scheduler["enabled"] is True
    assert scheduler["nodeSelector"] == scheduler["customScheduler"]["nodeSelector"] == core


def test_both_plugins_run_on_a_node_whatever_its_taints() -> None:
    assert neuron_values(NeuronPluginArgs())["devicePlugin"]["tolerations"] == ANY_TAINT
    assert efa_values(None)["tolerations"] == ANY_TAINT


def test_the_efa_chart_is_one_of_its_own() -> None:
    made = only(recorded(lambda: EfaPlugin("efa", EfaPluginArgs())), "Chart").inputs
    assert (made["name"], made["namespace"]) == ("aws-efa-k8s-device-plugin", "kube-system")
