"""What AWS says of machines that do not come: it stands at the NodeClaims by which Karpenter asks for them.

Where AWS has no machine left Karpenter deletes the NodeClaim at once and leaves an event, among those of the namespace
`default` since a NodeClaim has none.
"""

from dataclasses import replace
from typing import Any

from .api import Api, RefusedError
from .states import Phase, Seen

NO_MACHINE = "involvedObject.kind=NodeClaim,reason=InsufficientCapacityError"


def told_by_karpenter(one: Seen, api: Api) -> Seen:
    """`one`, and where it waits, with what open NodeClaims say; unchanged where there are none to be read."""
    if one.phase is not Phase.WAITING or one.stuck:
        return one
    try:
        refusals = [
            *map(_refusal, api.list("NodeClaim")),
            *map(_no_machine, api.list("Event", fieldSelector=NO_MACHINE)),
        ]
    except RefusedError:
        return one
    said = list(dict.fromkeys(filter(None, refusals)))
    return replace(one, reason="; ".join(filter(None, (one.reason, *said))))


def _refusal(claim: dict[str, Any]) -> str:
    """Why a NodeClaim has no machine yet, in AWS's words; empty where it has one, or nobody knows why not."""
    conditions = (claim.get("status") or {}).get("conditions") or ()
    launched = next((one for one in conditions if one["type"] == "Launched"), None)
    if launched is None or launched["status"] == "True" or not launched.get("message"):
        return ""
    return f"{claim['metadata']['name']}: {launched.get('reason', '')}: {launched['message']}"


def _no_machine(event: dict[str, Any]) -> str:
    return f"{event['reason']}: {event.get('message', '')}"
