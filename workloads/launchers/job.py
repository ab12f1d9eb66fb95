"""The launcher `job`: a batch/v1 Job of one pod; on several nodes an Indexed Job whose pods meet at the first.

What ends a pod decides what comes next. A disruption (a drained or lost node) costs no try. The exit statuses by which
a program says that trying again will not help end the Job at once. Anything else is tried again, and goes on from the
newest checkpoint.
"""

from ..programs.errors import EXIT_DISK_FULL, EXIT_USER_ERROR
from ..programs.run import plan
from ..recipes.step import Neuron, Step
from .arguments import DISTRIBUTED, arguments
from .pods import CONTAINER, SHARED, Launched, Manifest, Site, pod

PORT = 29500
"""Where the first pod listens for the others: torchrun's own default."""

TRIES = 3
"""How often each pod may fail and be tried again."""


def programs(step: Step) -> tuple[str, ...]:
    """The programs that the step's pods start."""
    return (step.program, DISTRIBUTED) if _together(step) else (step.program,)


def _together(step: Step) -> bool:
    """Whether torchrun starts several processes that train together."""
    return isinstance(step.placement, Neuron) and not step.placement.alone


def job(what: Launched, site: Site) -> list[Manifest]:
    """The objects that carry out a step, in the order in which they are to be made."""
    nodes = what.step.placement.nodes
    template = pod(what, site, command(what), _place() if nodes > 1 else {})
    if nodes > 1:
        template["spec"]["subdomain"] = what.name
    one = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": what.name,
            "namespace": site.namespace,
            "labels": what.labels,
            "annotations": {plan.PODS: str(nodes)},
        },
        "spec": {
            "completions": nodes,
            "parallelism": nodes,
            **({"completionMode": "Indexed"} if nodes > 1 else {}),
            "backoffLimit": TRIES * nodes,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": FAILURE_RULES},
            "template": template,
        },
    }
    return [_service(what, site), one] if nodes > 1 else [one]


FAILURE_RULES: list[Manifest] = [
    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    {
        "action": "FailJob",
        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [EXIT_USER_ERROR, EXIT_DISK_FULL]},
    },
]


def command(what: Launched) -> list[str]:
    """What the step's container runs: the program itself, or on Trainium a process of it a NeuronCore."""
    step = what.step
    words = [step.program, *arguments(step, what.recipe, what.hashes, SHARED)]
    if not isinstance(step.placement, Neuron) or step.placement.alone:
        return ["python3", "-m", *words]
    nodes, cores = step.placement.nodes, step.placement.instance.neuron_cores
    meeting = [f"--nodes={nodes}", f"--node=$({INDEX})", f"--meet={what.name}-0.{what.name}:{PORT}"]
    several = meeting if nodes > 1 else []
    return ["python3", "-m", DISTRIBUTED, f"--processes={cores}", *several, f"--name={what.name}", *words]


INDEX = "NODE_INDEX"
"""Environment variable: the pod's place among those of the Job."""


def _place() -> Manifest:
    field = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    return {INDEX: {"valueFrom": {"fieldRef": {"fieldPath": field}}}}


def _service(what: Launched, site: Site) -> Manifest:
    """The headless Service that gives each pod a name; also before it is ready, since the others wait for the first."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": what.name, "namespace": site.namespace, "labels": what.labels},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": what.labels,
            "ports": [{"name": "meet", "port": PORT}],
        },
    }
