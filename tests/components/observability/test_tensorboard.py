"""TensorBoard: over all runs, and open to nobody who has no access to the cluster."""

from typing import Any

import pulumi

from components.observability.tensorboard import TensorBoard, TensorBoardArgs
from stacks.recorder import Recording
from tests.components.recorded import only, recorded


def built() -> Recording:
    def program() -> None:
        args = TensorBoardArgs(namespace="training", claim="shared", node_selector={"role": "core"})
        pulumi.export("forward", TensorBoard("tensorboard", args).forward)

    return recorded(program)


def spec() -> dict[str, Any]:
    return only(built(), "Deployment").inputs["spec"]["template"]["spec"]


def test_it_reads_all_runs_and_can_write_to_none() -> None:
    (container,) = spec()["containers"]
    assert "--logdir=/shared/runs" in container["args"]
    (shared,) = [one for one in container["volumeMounts"] if one["name"] == "shared"]
    assert shared == {"name": "shared", "mountPath": "/shared", "readOnly": True}
    assert spec()["volumes"][0]["persistentVolumeClaim"] == {"claimName": "shared", "readOnly": True}


def test_knowing_no_password_it_has_no_address_outside_the_cluster() -> None:
    service = only(built(), "Service").inputs["spec"]
    assert "type" not in service
    assert built().outputs["forward"] == "--namespace training port-forward service/tensorboard 6006"


def test_its_service_finds_its_pod() -> None:
    recording = built()
    pod = only(recording, "Deployment").inputs["spec"]["template"]
    service = only(recording, "Service").inputs["spec"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    assert service["ports"][0]["targetPort"] == pod["spec"]["containers"][0]["ports"][0]["containerPort"]


def test_its_pod_is_locked_down_and_stays_where_it_is_put() -> None:
    (container,) = spec()["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["resources"]["limits"]["memory"]
    assert spec()["securityContext"]["runAsNonRoot"] is True
    assert spec()["automountServiceAccountToken"] is False
    assert spec()["nodeSelector"] == {"role": "core"}
