"""Volcano starts gangs whole, and keeps them in the sight of those who buy nodes."""

import json
from typing import Any

import yaml
from pulumi_kubernetes import core

from components.operators.volcano import Volcano, VolcanoArgs, scheduler_config, values
from stacks.recorder import Recording
from tests.components.recorded import only, recorded, waits_for


def built() -> Recording:
    def program() -> None:
        volcano = Volcano("volcano", VolcanoArgs())
        core.v1.Pod("member", spec={"scheduler_name": volcano.scheduler, "containers": [{"name": "x"}]})

    return recorded(program)


def plugins() -> dict[str, Any]:
    return {plugin["name"]: plugin for tier in scheduler_config()["tiers"] for plugin in tier["plugins"]}


def test_a_gang_is_held_back_until_there_is_room_for_the_whole_so_that_all_its_pods_stay_in_sight() -> None:
    assert scheduler_config()["actions"].split(", ")[:2] == ["enqueue", "allocate"]
    assert plugins()["overcommit"]["arguments"] == {"overcommit-factor": 1.0}


def test_a_gang_is_bound_whole_or_not_at_all() -> None:
    assert plugins()["gang"] == {"name": "gang", "enablePreemptable": False}


def test_the_rest_is_volcanos_own_configuration() -> None:
    assert set(plugins()) == {
        *("priority", "gang", "conformance"),
        *("overcommit", "drf", "predicates", "proportion", "nodeorder", "binpack"),
    }


def test_the_chart_gets_the_configuration_as_text_that_yaml_reads() -> None:
    text = values(VolcanoArgs())["custom"]["scheduler_config_override"]
    assert yaml.safe_load(text) == scheduler_config()
    assert text == json.dumps(scheduler_config(), sort_keys=True)


def test_helm_itself_installs_it_since_a_hook_makes_its_certificates() -> None:
    release = only(built(), "kubernetes:helm.sh/v3:Release")
    assert (release.inputs["chart"], release.inputs["namespace"]) == ("volcano", "volcano-system")
    assert "skipAwait" not in release.inputs


def test_pods_name_the_scheduler_once_it_is_there() -> None:
    recording = built()
    assert only(recording, "Pod").inputs["spec"]["schedulerName"] == "volcano"
    assert waits_for(recording, "member") >= {"volcano-chart", "volcano-namespace"}


def test_its_pods_stay_where_they_are_put() -> None:
    made = values(VolcanoArgs(node_selector={"role": "core"}))["custom"]
    assert made["default_ns"] == {"role": "core"}
    assert all(made[f"{part}_resources"]["requests"] for part in ("scheduler", "controller", "admission"))
