"""The launcher `ray`: a RayJob with a Ray cluster of its own, whose pods start together and go when the job ends.

The head is on a machine without devices; a worker takes a whole Trainium node, and offers its NeuronCores to Ray by the
name that Ray Train asks for. KubeRay submits the program to the head once all of them are there. Where KubeRay works
with Volcano, which is its own setting, head and workers are one gang.

What fails is tried again: a worker by KubeRay, which makes it anew, and by the program, which waits for it; the whole
by `backoffLimit`, each time with a new cluster, from the newest checkpoint.
"""

import json
import re
import shlex

from ..programs.run import plan
from ..recipes.step import BESIDE, Neuron, Step
from .arguments import arguments
from .job import TRIES
from .pods import CACHE, SHARED, Launched, Manifest, Site, pod, resources

RAY_VERSION = "2.52.1"
"""Ray in the images of steps that this launches: KubeRay lets dashboard and jobs ask for a token from 2.52 on."""

HEAD, SUBMITTER = BESIDE["ray"]
"""The head holds no data: seed guide 003 gives it 6 vCPUs and 30 GiB, which its machine of 32 GiB would not have."""

DASHBOARD = 8265
NEURON_CORES = "neuron_cores"
"""What Ray calls NeuronCores. KubeRay tells it of them only where a container asks for cores, and not for devices."""

QUEUE_LABEL = "volcano.sh/queue-name"

LINGER_SECONDS = 10
"""How long the cluster stays when the job has ended: for the run to see how. The submitter's pod, which has the
program's output, stays until the RayJob goes; the workers hold the nodes that the next step waits for."""

NEVER_RAN_SECONDS = 7 * 24 * 3600
"""When KubeRay gives up a cluster that never came whole. The run does so after trainyard:capacityTimeout: this is for
where no run looks any more, and it stands fixed, since a changed manifest would stop what runs."""


def programs(step: Step) -> tuple[str, ...]:
    """The programs that the step's pods start."""
    return (step.program,)


def ray(what: Launched, site: Site) -> list[Manifest]:
    """The objects that carry out a step, in the order in which they are to be made."""
    queue = {QUEUE_LABEL: site.queue} if site.queue else {}
    return [
        {
            "apiVersion": "ray.io/v1",
            "kind": "RayJob",
            "metadata": {
                "name": what.name,
                "namespace": site.namespace,
                "labels": {**what.labels, **queue},
                "annotations": {plan.PODS: str(what.step.placement.nodes + 2)},  # head and submitter
            },
            "spec": {
                "entrypoint": entrypoint(
                    ["python3", "-m", what.step.program, *arguments(what.step, what.recipe, what.hashes, SHARED)]
                ),
                "runtimeEnvYAML": json.dumps({"env_vars": _runtime(what.step)}, sort_keys=True),  # JSON is YAML
                "rayClusterSpec": _cluster(what, site),
                "submissionMode": "K8sJobMode",
                "submitterPodTemplate": _submitter(what, site),
                "submitterConfig": {"backoffLimit": TRIES},
                "shutdownAfterJobFinishes": True,
                "ttlSecondsAfterFinished": LINGER_SECONDS,
                "backoffLimit": TRIES,
                "preRunningDeadlineSeconds": NEVER_RAN_SECONDS,
            },
        }
    ]


def room(step: Step) -> dict[str, int]:
    """What all pods of the step have together at the most: vCPUs, memory in GiB, and devices, by resource."""
    everything = [HEAD, SUBMITTER, *[step.placement] * step.placement.nodes]
    devices = resources(step.placement).get("limits", {})
    return {
        "cpu": sum(one.vcpus for one in everything),
        "memory": sum(one.memory for one in everything),
        **{name: int(count) * step.placement.nodes for name, count in devices.items()},
    }


def _cluster(what: Launched, site: Site) -> Manifest:
    nodes = what.step.placement.nodes
    return {
        "rayVersion": RAY_VERSION,
        "authOptions": {"mode": "token"},
        "headGroupSpec": {"rayStartParams": {}, "template": _head(what, site)},
        "workerGroupSpecs": [
            {
                "groupName": "workers",
                "replicas": nodes,
                "minReplicas": nodes,
                "maxReplicas": nodes,
                "rayStartParams": {},
                **_offers(what.step),
                "template": _probed(pod(what, site, [], {})),
            }
        ],
    }


def _offers(step: Step) -> Manifest:
    placement = step.placement
    return {"resources": {NEURON_CORES: str(placement.instance.neuron_cores)}} if isinstance(placement, Neuron) else {}


def _head(what: Launched, site: Site) -> Manifest:
    template = _probed(pod(what, site, [], {}, HEAD))
    template["spec"]["containers"][0]["ports"] = [
        {"name": "gcs-server", "containerPort": 6379},
        {"name": "dashboard", "containerPort": DASHBOARD},
    ]
    return template


def _probed(template: Manifest) -> Manifest:
    """With KubeRay's own probes for Ray before 2.53 a pod is never ready whose image has no wget."""
    get = {"path": "/api/local_raylet_healthz", "port": 52365}
    template["spec"]["containers"][0] |= {
        "readinessProbe": {"httpGet": get, "initialDelaySeconds": 10, "periodSeconds": 5, "failureThreshold": 10},
        "livenessProbe": {"httpGet": get, "initialDelaySeconds": 60, "timeoutSeconds": 5, "failureThreshold": 24},
    }
    return template


def _submitter(what: Launched, site: Site) -> Manifest:
    template = pod(what, site, [], {}, SUBMITTER)
    template["spec"]["containers"][0]["name"] = "submitter"
    return template


def _runtime(step: Step) -> dict[str, str]:
    """The job's environment, over that of its pods: seed guide 003's, but for what its torch 1.13 needed."""
    if not isinstance(step.placement, Neuron):
        return {}
    return {
        "CCOM_SOCKET_IFNAME": "eth0",
        "MALLOC_ARENA_MAX": "64",
        "NEURON_CC_FLAGS": "--model-type transformer --distribution-strategy=llm-training",
        "NEURON_COMPILE_CACHE_URL": str(CACHE),
        "NEURON_FUSE_SOFTMAX": "1",
        "NEURON_RT_ASYNC_EXEC_MAX_INFLIGHT_REQUESTS": "3",
        "NEURON_RT_STOCHASTIC_ROUNDING_EN": "1",
    }


def entrypoint(words: list[str]) -> str:
    """A command line for a RayJob, which comes out as `words`; ValueError where it can't.

    It passes through three hands: the submitter's shell takes it apart, `ray job submit` puts it together again with
    subprocess.list2cmdline, made for Windows, and a shell on the head takes that apart.
    """
    return " ".join(map(_word, words))


def _word(word: str) -> str:
    if re.search(r'\\("|$)|\n', word):
        raise ValueError(f"{word!r} cannot be handed to a Ray job: a line break, or a backslash at its end or a quote")
    spaced = not word or re.search(r"[ \t]", word)  # put into double quotes on its way; those in it are seen to
    return shlex.quote(re.sub(r"([\\$`])" if spaced else r"([^\w@%+=:,./\"-])", r"\\\1", word))
