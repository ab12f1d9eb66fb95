"""The launcher `mpi`: an MPIJob, whose mpirun starts the program once on each Trainium node.

Workers are nodes that wait behind sshd; the MPI operator makes the launcher's pod once all of them do. The program
reads its place in OMPI_COMM_WORLD_RANK, and where the processes of all nodes meet in MASTER_ADDR and MASTER_PORT.

When a try fails the launcher's pod is made anew, and waits for the workers itself: one of them may be on its way. All
pods run as root, as the images do that mpirun and sshd are in.
"""

from ..programs.run import plan
from ..recipes.step import BESIDE, Step
from .arguments import arguments
from .job import PORT, TRIES
from .pods import SHARED, Launched, Manifest, Site, pod

(LAUNCHER,) = BESIDE["mpi"]
"""mpirun passes on output, and computes nothing."""

GATHER = "programs.gather"
"""Waits for the workers, and becomes mpirun."""

SSH = 22
SSHD = "mkdir -p /run/sshd && ssh-keygen -A && exec /usr/sbin/sshd -De -p {port} -o StrictModes=no"
"""Images for MPI seldom have sshd's folder. The mounted keys lie in a folder that anybody may write to, from which
sshd would take none."""

SSH_ARGUMENTS = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectionAttempts=10"
"""Workers make their host keys when they start: nobody could know them."""

IMAGES_OWN = ("PATH", "LD_LIBRARY_PATH")
"""Variables of the image that sshd does not pass on."""


def programs(step: Step) -> tuple[str, ...]:
    """The programs that the step's pods start."""
    return (step.program, GATHER)


def mpi(what: Launched, site: Site) -> list[Manifest]:
    """The objects that carry out a step, in the order in which they are to be made."""
    nodes = what.step.placement.nodes
    return [
        {
            "apiVersion": "kubeflow.org/v2beta1",
            "kind": "MPIJob",
            "metadata": {
                "name": what.name,
                "namespace": site.namespace,
                "labels": what.labels,
                "annotations": {plan.PODS: str(nodes + 1)},
            },
            "spec": {
                "slotsPerWorker": 1,
                "sshAuthMountPath": "/root/.ssh",
                "launcherCreationPolicy": "WaitForWorkersReady",
                # workers end with the job, and free their nodes; a launcher's pod stays with its log
                "runPolicy": {"cleanPodPolicy": "Running", "backoffLimit": TRIES * nodes},
                "mpiReplicaSpecs": {
                    "Launcher": {"replicas": 1, "restartPolicy": "Never", "template": _launcher(what, site)},
                    # restarted where they are: the operator makes no other in place of one that failed
                    "Worker": {"replicas": nodes, "restartPolicy": "OnFailure", "template": _worker(what, site)},
                },
            },
        }
    ]


def workers(what: Launched) -> list[str]:
    """The names by which pods of the job find its workers."""
    return [f"{what.name}-worker-{index}.{what.name}" for index in range(what.step.placement.nodes)]


def _worker(what: Launched, site: Site) -> Manifest:
    template = _bare(pod(what, site, ["/bin/sh", "-c", SSHD.format(port=SSH)], {}))
    template["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": SSH}, "periodSeconds": 2}
    return template


def _launcher(what: Launched, site: Site) -> Manifest:
    meeting = {"MASTER_ADDR": {"value": workers(what)[0]}, "MASTER_PORT": {"value": str(PORT)}}
    template = _bare(pod(what, site, [], meeting, LAUNCHER))
    container = template["spec"]["containers"][0]
    names = [*IMAGES_OWN, *(one["name"] for one in container["env"])]
    gather = ["python3", "-m", GATHER, f"--port={SSH}", f"--hosts={','.join(workers(what))}"]
    container["command"] = [*gather, "--", *_mpirun(what, names)]
    return template


def _mpirun(what: Launched, variables: list[str]) -> list[str]:
    """One process a node, which has all cores of it and the launcher's environment."""
    return [
        *("mpirun", "--allow-run-as-root", "-np", str(what.step.placement.nodes)),
        *("--map-by", "ppr:1:node", "--bind-to", "none", "--mca", "plm_rsh_args", SSH_ARGUMENTS),
        *(word for name in variables for word in ("-x", name)),
        *("python3", "-m", what.step.program, *arguments(what.step, what.recipe, what.hashes, SHARED)),
    ]


def _bare(template: Manifest) -> Manifest:
    """Without a restart policy: the operator has it from beside the template."""
    del template["spec"]["restartPolicy"]
    return template
