# ruff: noqa: N802 (the methods bear the names of the protocol)
"""The double of pulumi-command: a shell line that runs when its resource is created, changed or deleted."""

import contextlib
import json
import math
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from . import differences
from .provider import UNKNOWN, Provider, ProviderError, Session, marshal, reveal, unmarshal

TYPE = "command:local:Command"

_STREAMS = ("stdout", "stderr")
_UNKNOWN: Mapping[str, str] = dict.fromkeys(_STREAMS, UNKNOWN)
_POLL = 0.02


class Command(Provider[Session]):
    """`environment` and `folder` are those that the plugin would have from the engine: this process's by default."""

    version = "1.2.1"

    def __init__(self, environment: Mapping[str, str] | None = None, folder: str | None = None):
        super().__init__(Session)
        self._environment = os.environ if environment is None else environment
        self._folder = folder

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> Any:
        if request.type != TYPE:
            raise ProviderError(f"the double of pulumi-command has no {request.type}")
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> Any:
        old, new = reveal(unmarshal(request.old_inputs)), reveal(unmarshal(request.news))
        return differences.response(old, new, lambda path, _: path[0] == "triggers")

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> Any:
        inputs = unmarshal(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=marshal(_outputs(inputs, _UNKNOWN)))
        made = self._run(request, context, inputs, "create")
        return provider_pb2.CreateResponse(id=request.name + uuid.uuid4().hex[:8], properties=marshal(made))

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> Any:
        inputs = unmarshal(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=marshal(_outputs(inputs, _UNKNOWN)))
        made = self._run(request, context, inputs, "update" if "update" in inputs else "create", request.olds)
        return provider_pb2.UpdateResponse(properties=marshal(made))

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> Any:
        """There is nothing to look at."""
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._run(request, context, unmarshal(request.old_inputs), "delete", request.properties)
        return empty_pb2.Empty()

    def _run(self, request: Any, context: Any, inputs: dict[str, Any], verb: str, olds: Any = None) -> dict[str, Any]:
        """Runs the inputs' line for `verb`, if any, and returns the resource's outputs."""
        plain, before = reveal(inputs), reveal(unmarshal(olds)) if olds else {}
        if verb not in plain:
            return _outputs(inputs, before)
        environment = {**self._environment, **plain.get("environment", {})}
        if plain.get("addPreviousOutputInEnv", True):
            environment |= {f"PULUMI_COMMAND_{name.upper()}": before[name] for name in _STREAMS if before.get(name)}
        arguments = [*plain.get("interpreter", ("/bin/sh", "-c")), plain[verb]]
        run = _Run(arguments, environment, plain.get("dir", self._folder), self._listener(request.urn, context, plain))
        run.feed(plain.get("stdin", ""))
        run.wait(request.timeout or math.inf, self.session(context).cancelled.is_set, context.is_active)
        return _outputs(inputs, {name: "".join(lines).removesuffix("\n") for name, lines in run.lines.items()})

    def _listener(self, urn: str, context: Any, inputs: Mapping[str, Any]) -> Callable[[str, str], None]:
        """Hands the lines of those streams that the input `logging` names to the engine's log."""
        session, named = self.session(context), inputs.get("logging", "stdoutAndStderr").lower()
        return lambda stream, line: session.log(urn, line.rstrip("\n")) if stream in named else None


def _outputs(inputs: Mapping[str, Any], made: Mapping[str, str]) -> dict[str, Any]:
    return {**inputs, **{name: made.get(name, "") for name in _STREAMS}}


class _Run:
    """A process whose output is read line by line as it comes; `lines` has what each stream gave."""

    def __init__(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        folder: str | None,
        listener: Callable[[str, str], None],
    ):
        self.lines: dict[str, list[str]] = {name: [] for name in _STREAMS}
        self._both: list[str] = []
        self._listener = listener
        self._line = arguments[-1]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                arguments, env=environment, cwd=folder, text=True, stdin=pipe, stdout=pipe, stderr=pipe, process_group=0
            )
        except OSError as error:
            raise ProviderError(f"{error}: running {json.dumps(self._line)}") from error
        self._readers = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in _STREAMS]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: str) -> None:
        for line in getattr(self._process, stream):
            self.lines[stream].append(line)
            self._both.append(line)
            self._listener(stream, line)

    def feed(self, stdin: str) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError), self._process.stdin as file:
            file.write(stdin)

    def wait(self, timeout: float, cancelled: Callable[[], bool], wanted: Callable[[], bool]) -> None:
        """ProviderError where the process fails, or is killed because the time is over or the engine cancels.

        As with the true plugin only the shell is killed then, and its children are waited for as long as they hold the
        output; they are killed, too, once the engine is gone and nobody wants the outcome.
        """
        ends = time.monotonic() + timeout
        while self._process.poll() is None or any(reader.is_alive() for reader in self._readers):
            if not wanted():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            elif cancelled() or time.monotonic() > ends:
                self._process.kill()
            time.sleep(_POLL)
        code = self._process.returncode
        if code:
            how = f"exit status {code}" if code > 0 else f"signal: {signal.strsignal(-code)}".lower()
            raise ProviderError(f"{how}: running {json.dumps(self._line)}:\n{''.join(self._both)}")
