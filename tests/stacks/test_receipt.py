"""What a stack costs, from what its program asks for."""

from typing import Any

import pytest

from stacks import prices
from stacks.receipt import PRICED, Receipt, receipt
from tests.stacks import planned as plans
from tests.stacks.planned import Planned


def told(stack: Planned) -> Receipt:
    made = receipt(stack.resources, stack.run, stack.settings.nodes.idle)
    assert made is not None
    return made


def hourly(**changes: Any) -> float:
    dollars = told(plans.planned(**changes)).scaled_down
    assert dollars is not None
    return dollars


def test_training_costs_the_trainium_nodes_on_top_of_what_stands() -> None:
    made = told(plans.dev())
    assert made.training is not None
    assert made.scaled_down is not None
    assert made.training - made.scaled_down == pytest.approx(21.50 + prices.volume_hour(200))


def test_idle_costs_no_trainium_node_and_scaled_down_no_other_either() -> None:
    made = told(plans.dev())
    assert made.idle is not None
    assert made.scaled_down is not None
    assert made.idle - made.scaled_down == pytest.approx(0.4032 + prices.volume_hour(200))
    assert made.scaled_down == pytest.approx(sum(line.dollars_per_hour or 0 for line in made.lines))


def test_what_stands_is_the_same_whatever_brings_the_nodes() -> None:
    assert told(plans.managed()).scaled_down == pytest.approx(told(plans.dev()).scaled_down)


def test_a_forgotten_month_is_730_hours_of_what_stands() -> None:
    made = told(plans.dev())
    assert made.month == pytest.approx(730 * (made.scaled_down or 0))


def test_a_nat_gateway_for_each_zone_costs_one_more_with_its_address() -> None:
    assert hourly(network={"nat": "zone"}) - hourly() == pytest.approx(0.045 + 0.005)


def test_each_interface_endpoint_costs_in_each_of_its_subnets() -> None:
    one = hourly(network={"interfaceEndpoints": ["ecr.api"]})
    two = hourly(network={"interfaceEndpoints": ["ecr.api", "sts"]})
    assert one - hourly() == pytest.approx(0.01)
    assert two - one == pytest.approx(0.01)


def test_a_core_node_more_costs_its_machine_and_its_volume() -> None:
    assert hourly(cluster={"coreNodes": 3}) - hourly() == pytest.approx(0.2016 + prices.volume_hour(100))


def test_a_workbench_with_devices_is_paid_for_after_scale_down_too() -> None:
    dollars = hourly(workbench={"enabled": True, "devices": True})
    assert dollars - hourly() == pytest.approx(21.50 + prices.volume_hour(200))


def test_metrics_cost_a_volume() -> None:
    assert hourly() - hourly(observability={"metrics": False}) == pytest.approx(prices.volume_hour(20))


def test_a_larger_file_system_costs_by_its_size() -> None:
    assert hourly(storage={"capacity": 2400}) - hourly() == pytest.approx(1200 * 0.145 / 730)


def test_what_no_price_is_known_for_is_said_and_never_guessed() -> None:
    made = told(plans.planned(storage={"throughput": 250}))
    assert (made.scaled_down, made.training, made.month, made.run.total) == (None, None, None, None)
    assert [what for what in made.unknown if "250 MB/s" in what]


def test_a_machine_that_aws_lists_no_price_for_leaves_what_stands_known() -> None:
    made = told(plans.planned(nodes={"instanceType": "trn2.48xlarge", "count": 1}))
    assert made.unknown == ("trn2.48xlarge",)
    assert made.training is None
    assert made.run.total is None
    assert made.scaled_down is not None


def test_a_run_costs_its_steps_and_machines_that_start_and_end_and_what_stands_meanwhile() -> None:
    made = told(plans.dev()).run
    parts = [made.steps, made.waiting, made.platform]
    assert made.steps == pytest.approx(sum(step.dollars or 0 for step in plans.dev().run.chosen))
    assert all(part is not None and part > 0 for part in parts)
    assert made.total == pytest.approx(sum(part or 0 for part in parts))


@pytest.mark.parametrize("stack", [plans.dev, plans.managed])
def test_each_type_of_aws_resource_is_priced_or_paid_by_use_or_known_to_be_free(stack: Any) -> None:
    kinds = {one.type for one in stack().resources if one.type.startswith("aws:")}
    assert kinds
    known = (*PRICED, *prices.BY_USE)
    assert [kind for kind in kinds if kind not in known and not kind.startswith(prices.FREE)] == []
    assert told(stack()).unknown == ()


def test_each_price_stands_with_its_source() -> None:
    for price in vars(prices).values():
        listed = price.values() if isinstance(price, dict) else (price,)
        assert all(len(one.source) > 10 for one in listed if isinstance(one, prices.Price))


def test_this_machine_has_no_receipt() -> None:
    stack = plans.dev()
    assert receipt([], stack.run, stack.settings.nodes.idle) is None


def test_a_workbench_with_devices_has_room_beside_training() -> None:
    stack = plans.planned(workbench={"enabled": True, "devices": True})
    (quota,) = (one for one in stack.resources if one.type == "kubernetes:core/v1:ResourceQuota")
    assert quota.inputs["spec"]["hard"]["requests.aws.amazon.com/neuron"] == "32"
    pools = [one.inputs["spec"] for one in stack.resources if one.type == "kubernetes:karpenter.sh/v1:NodePool"]
    limits = [one["limits"] for one in pools if "aws.amazon.com/neuron" in one["limits"]]
    assert [one["aws.amazon.com/neuron"] for one in limits] == ["32"]
