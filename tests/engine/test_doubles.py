"""The doubles themselves: rules that need no cluster, and the command's under the real engine."""

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import grpc
import pulumi
import pytest
from google.protobuf import empty_pb2
from pulumi import automation as auto
from pulumi.provider import ConstructResult
from pulumi.provider import Provider as ComponentProvider
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from pulumi_command import local

from tests import tools

from .doubles import attached, awaits, components, differences, rules, serve
from .doubles.cluster import Cluster
from .doubles.command import Command
from .doubles.kubernetes import Kubernetes
from .doubles.provider import UNKNOWN, InitError, Provider, ProviderError, Session, mark, marshal, reveal, unmarshal

JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "train", "namespace": "runs", "labels": {"app": "x"}},
    "spec": {
        "backoffLimit": 0,
        "parallelism": 2,
        "template": {"spec": {"containers": [{"name": "main", "args": ["a"]}]}},
    },
}


def manifest(kind: str, api_version: str = "v1", **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "one", "namespace": "runs"}, **fields}


def changed(whole: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """`whole` with another value at the dotted path."""
    first, _, rest = path.partition(".")
    return {**whole, first: changed(whole.get(first, {}), rest, value) if rest else value}


def diff(old: dict[str, Any], new: dict[str, Any]) -> provider_pb2.DiffResponse:
    return differences.response(old, new, lambda path, value: rules.replaces(new, path, value))


@contextmanager
def stub(port: int) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """An engine's connection for one provider instance."""
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        engine = provider_pb2_grpc.ResourceProviderStub(channel)
        engine.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:1"))
        yield engine


# --- values on the wire


def test_secrets_unknowns_and_integers_come_back_as_they_went() -> None:
    values = {"known": 3, "half": 0.5, "list": [1, {"unknown": UNKNOWN}], "secret": rpc.wrap_rpc_secret({"deep": 1})}
    back = unmarshal(marshal(values))
    assert back == values
    assert isinstance(back["known"], int)
    assert reveal(back)["secret"] == {"deep": 1}


def test_outputs_are_secret_where_inputs_are_and_lists_as_a_whole() -> None:
    secret = rpc.wrap_rpc_secret("x")
    marked = mark({"a": {"b": "x", "c": "y"}, "l": ["x", "y"], "more": 1}, {"a": {"b": secret}, "l": ["y", secret]})
    assert marked == {"a": {"b": secret, "c": "y"}, "l": rpc.wrap_rpc_secret(["x", "y"]), "more": 1}


def test_the_data_of_a_secret_is_secret_however_it_was_given() -> None:
    outputs = rules.outputs(manifest("Secret", data={"a": "eA=="}), manifest("Secret", stringData={"a": "x"}))
    assert rpc.is_rpc_secret(outputs["data"])


# --- sessions and errors


class Echo(Provider[Session]):
    """Reads its own config, and whether it was cancelled."""

    def __init__(self) -> None:
        super().__init__(Session)

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        session = self.session(context)
        if request.id == "broken":
            raise InitError("broken", {"a": 1}, ["it broke", "badly"])
        return provider_pb2.ReadResponse(properties=marshal({**session.config, "over": session.cancelled.is_set()}))


def test_instances_on_one_port_have_their_own_config_and_are_cancelled_alone() -> None:
    with serve(Echo()) as port, stub(port) as one, stub(port) as other:
        for engine, name in ((one, "one"), (other, "other")):
            engine.Configure(provider_pb2.ConfigureRequest(args=marshal({"name": name})))
        one.Cancel(empty_pb2.Empty())
        seen = [unmarshal(engine.Read(provider_pb2.ReadRequest()).properties) for engine in (one, other)]
    assert seen == [{"name": "one", "over": True}, {"name": "other", "over": False}]


def test_an_object_that_is_not_well_reaches_the_engine_with_its_state_and_reasons() -> None:
    with serve(Echo()) as port, stub(port) as engine, pytest.raises(grpc.RpcError) as caught:
        engine.Read(provider_pb2.ReadRequest(id="broken"))
    metadata = {one.key: one.value for one in caught.value.trailing_metadata()}  # type: ignore[attr-defined]
    detail = provider_pb2.ErrorResourceInitFailed()
    status_pb2.Status.FromString(metadata["grpc-status-details-bin"]).details[0].Unpack(detail)
    assert (detail.id, unmarshal(detail.properties), list(detail.reasons)) == (
        "broken",
        {"a": 1},
        ["it broke", "badly"],
    )


# --- Kubernetes: names


def test_an_unnamed_object_gets_the_resources_name_and_keeps_it() -> None:
    unnamed = manifest("ConfigMap", metadata={})
    first = rules.named(unnamed, {}, "settings", b"seed")
    assert first["metadata"]["name"].startswith("settings-")
    assert len(first["metadata"]["name"]) == len("settings-") + 8
    assert first["metadata"]["annotations"] == {rules.AUTONAMED: "true"}
    assert rules.named(unnamed, first, "settings", b"other seed") == first


@pytest.mark.parametrize("name", ["mine", UNKNOWN])
def test_a_given_name_stays_even_where_it_is_not_known_yet(name: str) -> None:
    given = manifest("ConfigMap", metadata={"name": name})
    assert rules.named(given, {}, "settings", b"seed") == given


def test_what_the_double_lacks_is_told_and_not_passed_over() -> None:
    awaited = changed(JOB, "metadata.annotations", {rules.WAIT_FOR: "condition=Done"})
    assert rules.missing("kubernetes:batch/v1:Job", JOB) == ""
    assert rules.missing("kubernetes:batch/v1:JobPatch", JOB) == "JobPatch"
    assert rules.missing("kubernetes:helm.sh/v3:Release", {"chart": "x"}) == "Release"
    assert rules.missing("kubernetes:batch/v1:Job", awaited) == rules.WAIT_FOR


# --- Kubernetes: differences


def test_equal_inputs_are_no_change() -> None:
    assert diff(JOB, changed(JOB, "spec.backoffLimit", 0)).changes == provider_pb2.DiffResponse.DIFF_NONE


@pytest.mark.parametrize(
    ("old", "path", "value"),
    [
        (JOB, "spec.template.spec.containers", [{"name": "main", "args": ["b"]}]),
        (JOB, "spec.parallelism", 3),
        (JOB, "spec.completions", 2),
        (JOB, "metadata.name", "other"),
        (JOB, "metadata.namespace", UNKNOWN),
        (manifest("ConfigMap", data={"a": "1"}), "data.a", "2"),
        (manifest("ConfigMap"), "data", {"a": "1"}),
        (manifest("Secret", stringData={"a": "1"}), "stringData.a", "2"),
        (manifest("PersistentVolumeClaim", spec={"storageClassName": "a"}), "spec.storageClassName", "b"),
        (manifest("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef={"name": "a"}), "roleRef.name", "b"),
        (manifest("Deployment", "apps/v1"), "spec", {"selector": {}}),
    ],
)
def test_what_can_not_change_in_place_replaces(old: dict[str, Any], path: str, value: Any) -> None:
    answer = diff(old, changed(old, path, value))
    assert answer.replaces
    assert answer.replaces[0].startswith(path)


@pytest.mark.parametrize(
    ("old", "path", "value"),
    [
        (JOB, "spec.backoffLimit", 1),
        (JOB, "metadata.labels.app", "y"),
        (manifest("ConfigMap", data={"a": "1"}), "immutable", True),
        (manifest("PersistentVolumeClaim", spec={"resources": {}}), "spec.resources.requests", {"storage": "2Gi"}),
        (manifest("Deployment", "apps/v1"), "spec", {"replicas": 2}),
        (manifest("RayJob", "ray.io/v1", spec={"entrypoint": "a"}), "spec.entrypoint", "b"),
    ],
)
def test_all_else_is_changed_in_place(old: dict[str, Any], path: str, value: Any) -> None:
    answer = diff(old, changed(old, path, value))
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert not answer.replaces


def test_paths_are_written_as_the_engine_reads_them() -> None:
    path = ("metadata", "annotations", "a.b/c", "list", 0, "name")
    assert differences.text(path) == 'metadata.annotations["a.b/c"].list[0].name'


def test_the_old_goes_first_only_where_the_new_has_its_place_by_the_programs_will() -> None:
    autonamed = changed(JOB, "metadata.annotations", {rules.AUTONAMED: "true"})
    assert rules.deletes_first("runs/train", JOB)
    assert not rules.deletes_first("runs/other", JOB)
    assert not rules.deletes_first("other/train", JOB)
    assert not rules.deletes_first("runs/train", autonamed)


# --- Kubernetes: refresh


def test_what_only_the_server_says_is_no_drift() -> None:
    live = changed(changed(JOB, "status", {"active": 1}), "metadata.uid", "1234")
    live = changed(
        live, "spec.template.spec.containers", [{"name": "main", "args": ["a"], "terminationMessagePath": "/x"}]
    )
    assert rules.refreshed(JOB, live) == JOB


def test_the_servers_spelling_is_no_drift() -> None:
    inputs = manifest("Pod", spec={"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}, "hostNetwork": False})
    live = manifest("Pod", spec={"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}})
    assert rules.refreshed(inputs, live) == inputs
    config = manifest("ConfigMap", data={"a": "0.5"})
    assert rules.refreshed(config, changed(config, "data.a", "500m"))["data"] == {"a": "500m"}


def test_drift_shows_where_the_program_has_spoken() -> None:
    live = changed(changed(JOB, "metadata.labels", {"app": "y", "z": "z"}), "spec.parallelism", 5)
    refreshed = rules.refreshed(JOB, live)
    assert refreshed["metadata"]["labels"] == {"app": "y"}
    assert refreshed["spec"]["parallelism"] == 5
    assert diff(refreshed, JOB).changes == provider_pb2.DiffResponse.DIFF_SOME


def test_a_removed_field_is_drift() -> None:
    assert "labels" not in rules.refreshed(JOB, changed(JOB, "metadata", {"name": "train"}))["metadata"]


def test_a_secrets_text_is_compared_with_the_servers_data() -> None:
    inputs = manifest("Secret", stringData={"a": "x"})
    assert rules.refreshed(inputs, manifest("Secret", data={"a": "eA==", "b": "eQ=="})) == inputs
    assert rules.refreshed(inputs, manifest("Secret", data={"a": "eQ=="}))["stringData"] == {"a": "y"}


# --- Kubernetes: waits


class Still(Cluster):
    """A cluster where nothing moves."""

    def __init__(self, *pods: dict[str, Any]):
        super().__init__({})
        self._pods = list(pods)

    def get(self, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        return None

    def select(self, api_version: str, kind: str, namespace: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        return self._pods


def job(**condition: str) -> dict[str, Any]:
    """A live Job, started and in one condition."""
    live = changed(JOB, "status", {"startTime": "now", "conditions": [{"status": "True", **condition}]})
    return changed(live, "spec.selector", {"matchLabels": {"job": "train"}})


def test_a_complete_job_ends_the_wait() -> None:
    complete = job(type="Complete")
    assert awaits.settle(Still(), complete, 0, lambda _: False) == complete


def test_a_failed_job_ends_the_wait_with_the_last_words_of_its_pods() -> None:
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "message": "out of memory"}}
    pod = manifest("Pod", status={"phase": "Failed", "containerStatuses": [{"name": "main", "state": ended}]})
    failed = job(type="Failed", reason="BackoffLimitExceeded", message="too often")
    with pytest.raises(awaits.UnreadyError, match="failed to initialize") as caught:
        awaits.settle(Still(pod), failed, 60, lambda _: False)
    assert caught.value.reasons == [
        "[BackoffLimitExceeded] too often",
        '[Pod runs/one]: container "main" completed with exit code 3: [Error] out of memory',
    ]


def test_a_job_that_failed_for_a_reason_unknown_to_the_provider_is_waited_for_to_the_end() -> None:
    failed = job(type="Failed", reason="PodFailurePolicy")
    with pytest.raises(awaits.UnreadyError, match="timed out"):
        awaits.settle(Still(), failed, 0, lambda _: False)
    with pytest.raises(awaits.UnreadyError, match="cancelled"):
        awaits.settle(Still(), failed, 60, lambda _: True)


def test_a_claim_waits_for_its_volume() -> None:
    claim = manifest("PersistentVolumeClaim", spec={"storageClassName": "none"}, status={"phase": "Pending"})
    with pytest.raises(awaits.UnreadyError, match="timed out"):
        awaits.settle(Still(), claim, 0, lambda _: False)
    bound = changed(claim, "status.phase", "Bound")
    assert awaits.settle(Still(), bound, 0, lambda _: False) == bound


# --- Kubernetes: without a cluster


def test_a_preview_without_a_cluster_gives_the_inputs_back() -> None:
    inputs = changed(JOB, "metadata.labels.app", UNKNOWN)
    with serve(Kubernetes()) as port, stub(port) as engine:
        for wanted in (inputs, JOB):
            made = engine.Create(provider_pb2.CreateRequest(properties=marshal(wanted), preview=True))
            assert unmarshal(made.properties) == wanted


def test_without_a_kubeconfig_nothing_is_created_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", __file__)
    with serve(Kubernetes()) as port, stub(port) as engine, pytest.raises(grpc.RpcError, match="no kubeconfig"):
        engine.Create(provider_pb2.CreateRequest(properties=marshal(JOB)))


# --- the command under the real engine


class CommandStack:
    """A stack of one command."""

    def __init__(self, folder: Path, providers: str):
        (folder / "bin").mkdir()
        (folder / "bin" / "pulumi").symlink_to(tools.find("pulumi"))
        (folder / "state").mkdir()
        self._folder = folder
        self._environment = {
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "a test",
            "PULUMI_DEBUG_PROVIDERS": providers,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def having(self, **arguments: Any) -> auto.Stack:
        def program() -> None:
            command = local.Command("step", **arguments)
            pulumi.export("stdout", command.stdout)

        root = auto.PulumiCommand(str(self._folder), skip_version_check=True)
        options = auto.LocalWorkspaceOptions(env_vars=self._environment, pulumi_command=root)
        return auto.create_or_select_stack("test", "doubles", program, opts=options)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[CommandStack]:
    with attached({"command": Command({**os.environ, "FROM": "the test"})}) as providers:
        try:
            yield CommandStack(tmp_path, providers)
        except tools.MissingError as error:
            pytest.skip(str(error))


def test_a_command_runs_when_it_is_new_or_a_trigger_changes_and_its_end_when_it_goes(
    stack: CommandStack, tmp_path: Path
) -> None:
    written = tmp_path / "written"
    arguments = {
        "create": f"echo $FROM $MORE $PULUMI_COMMAND_STDOUT | tee -a {written}",
        "delete": f"echo gone after $PULUMI_COMMAND_STDOUT >> {written}",
        "environment": {"MORE": "and more"},
    }
    new = stack.having(**arguments, triggers=["1"]).up()
    assert new.outputs["stdout"].value == "the test and more"
    same = stack.having(**arguments, triggers=["1"]).up()
    assert same.summary.resource_changes == {"same": 2}
    replaced = stack.having(**arguments, triggers=["2"])
    assert replaced.up().summary.resource_changes == {"same": 1, "replace": 1}
    replaced.destroy()
    ran, gone = "the test and more", "gone after the test and more"
    assert written.read_text().splitlines() == [ran, ran, gone, gone]


def test_a_changed_line_runs_in_place_and_a_failing_one_stops_the_update_in_its_own_words(stack: CommandStack) -> None:
    stack.having(create="echo first").up()
    assert stack.having(create="echo second").up().summary.resource_changes == {"same": 1, "update": 1}
    failing = stack.having(create="echo all is lost >&2; exit 3")
    with pytest.raises(auto.CommandError, match=r"exit status 3(?s:.*)all is lost"):
        failing.up()
    kept = failing.export_stack().deployment or {}
    assert [one["outputs"]["stdout"] for one in kept["resources"] if one["type"] == "command:local:Command"] == [
        "second"
    ]


def test_a_construction_ends_when_the_engine_is_gone_without_an_answer() -> None:
    class Nothing(ComponentProvider):
        def construct(self, name: str, resource_type: str, inputs: Any, options: Any = None) -> ConstructResult:
            made = pulumi.ComponentResource(resource_type, name, {}, options)
            return ConstructResult(made.urn, {})

    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = f"127.0.0.1:{silent.getsockname()[1]}"
        request = provider_pb2.ConstructRequest(
            type="test:index:Nothing", name="one", project="a", stack="b", monitorEndpoint=engine, parallel=1
        )

        def leaves() -> bool:
            with contextlib.suppress(OSError):  # asked a second time
                silent.accept()[0].close()
            silent.close()
            return False

        with pytest.raises(ProviderError):
            components.construct(Nothing("1.0.0"), engine, request, Mock(is_active=leaves))
