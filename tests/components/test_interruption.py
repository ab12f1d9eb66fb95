"""The queue that AWS's warnings go to: five kinds of events, and nobody else may send."""

import json

from components.interruption import EVENTS, Interruption, InterruptionArgs, event_pattern, queue_policy
from stacks.recorder import Recording
from tests.components.recorded import all_of, only, recorded, waits_for

DETAILS = {
    "AWS Health Event",
    "EC2 Spot Instance Interruption Warning",
    "EC2 Instance Rebalance Recommendation",
    "EC2 Instance State-change Notification",
    "EC2 Capacity Reservation Instance Interruption Warning",
}


def built() -> Recording:
    return recorded(lambda: Interruption("warnings", InterruptionArgs()))


def test_all_five_events_that_karpenter_understands_reach_the_queue() -> None:
    recording = built()
    patterns = [json.loads(one.inputs["eventPattern"]) for one in all_of(recording, "EventRule")]
    assert {one["detail-type"][0] for one in patterns} == DETAILS
    assert len(all_of(recording, "EventTarget")) == len(DETAILS)
    assert all("warnings-queue" in waits_for(recording, one.name) for one in all_of(recording, "EventTarget"))


def test_health_events_come_from_health_and_the_others_from_ec2() -> None:
    sources = {event: json.loads(event_pattern(event))["source"] for event in EVENTS}
    assert sources.pop("health") == ["aws.health"]
    assert set(map(tuple, sources.values())) == {("aws.ec2",)}


def test_the_queue_is_encrypted_and_forgets_what_is_too_old_to_act_on() -> None:
    queue = only(built(), "Queue").inputs
    assert queue["sqsManagedSseEnabled"] is True
    assert queue["messageRetentionSeconds"] == 300


def test_only_the_rules_send_and_nobody_talks_to_the_queue_in_the_clear() -> None:
    send, encrypted = json.loads(queue_policy("arn:queue", ["arn:rule-a", "arn:rule-b"]))["Statement"]
    assert send["Principal"] == {"Service": "events.amazonaws.com"}
    assert send["Action"] == "sqs:SendMessage"
    assert send["Condition"] == {"ArnEquals": {"aws:SourceArn": ["arn:rule-a", "arn:rule-b"]}}
    assert (encrypted["Effect"], encrypted["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert send["Resource"] == encrypted["Resource"] == "arn:queue"
