"""The volume and its claim: static, for many at once, and harmless to delete."""

from typing import Any

import pytest
from pulumi.runtime import mocks

from components.volume import Volume, VolumeArgs
from stacks import recorder
from stacks.recorder import Recording

from .recorded import only, recorded, waits_for


def volume(**changes: Any) -> Recording:
    def program() -> None:
        given: dict[str, Any] = {
            "namespace": "training",
            "file_system_id": "fs-1",
            "dns_name": "fs-1.fsx.us-west-2.amazonaws.com",
            "mount_name": "abc",
            "capacity": 1200,
        }
        Volume("shared", VolumeArgs(**{**given, **changes}))

    return recorded(program)


def spec(recording: Recording, kind: str) -> Any:
    return only(recording, kind).inputs["spec"]


def test_the_volume_is_the_file_system_by_its_driver_with_locks() -> None:
    made = spec(volume(), "PersistentVolume")
    assert made["csi"] == {
        "driver": "fsx.csi.aws.com",
        "volumeHandle": "fs-1",
        "volumeAttributes": {"dnsname": "fs-1.fsx.us-west-2.amazonaws.com", "mountname": "abc"},
    }
    assert made["mountOptions"] == ["flock"]


def test_deleting_the_volume_deletes_no_file() -> None:
    assert spec(volume(), "PersistentVolume")["persistentVolumeReclaimPolicy"] == "Retain"


def test_many_pods_write_at_once_and_no_class_makes_another_volume() -> None:
    made = volume()
    for kind in ("PersistentVolume", "PersistentVolumeClaim"):
        assert spec(made, kind)["accessModes"] == ["ReadWriteMany"]
        assert spec(made, kind)["storageClassName"] == ""


def named(_: Any, args: mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
    """Kubernetes' answer: the volume got a name."""
    made = {"metadata": {"name": "volume-1"}} if args.typ.endswith(":PersistentVolume") else {}
    return f"{args.name}-id", {**args.inputs, **made}


def test_volume_and_claim_are_for_each_other_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder._Echo, "new_resource", named)
    made = volume(claim="files")
    assert spec(made, "PersistentVolume")["claimRef"] == {"namespace": "training", "name": "files"}
    claim = only(made, "PersistentVolumeClaim")
    assert claim.inputs["metadata"] == {"name": "files", "namespace": "training"}
    assert claim.inputs["spec"]["volumeName"] == "volume-1"
    assert "shared-volume" in waits_for(made, "shared-claim")


def test_a_claim_elsewhere_gets_a_volume_of_its_own_as_a_bound_one_never_serves_another() -> None:
    assert list(only(volume(), "PersistentVolume").request.replaceOnChanges) == ["spec.claimRef"]


def test_the_claim_asks_for_what_the_volume_has() -> None:
    made = volume(capacity=4800)
    assert spec(made, "PersistentVolume")["capacity"] == {"storage": "4800Gi"}
    assert spec(made, "PersistentVolumeClaim")["resources"]["requests"] == {"storage": "4800Gi"}
