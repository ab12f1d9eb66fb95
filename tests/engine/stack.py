"""A stack of the project under the real Pulumi engine: the program runs inline, in this process.

Where a provider's real plugin is on PATH the engine starts it; else a double of the tests' own takes its place.
TRAINYARD_DOUBLES=1 takes the doubles always.
"""

import gc
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import automation as auto
from pulumi.automation.events import EngineEvent

from stacks.program import stand_up
from tests import tools

from .doubles import attached
from .doubles.command import Command
from .doubles.kubernetes import Kubernetes
from .doubles.provider import Provider

DOUBLES = {"kubernetes": Kubernetes, "command": Command}
PROJECT = "trainyard"

OnEvent = Callable[[EngineEvent], Any]


def is_real(package: str) -> bool:
    """Whether the package's own plugin is there to be used."""
    return os.environ.get("TRAINYARD_DOUBLES") != "1" and shutil.which(f"pulumi-resource-{package}") is not None


@dataclass(slots=True)
class EngineStack:
    """One stack, with a folder, a state and a config of its own."""

    folder: Path
    name: str
    environment: Mapping[str, str]
    config: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    """Whole keys of providers', such as aws:region."""

    def preview(self) -> auto.PreviewResult:
        return self._stack().preview()

    def up(self, on_event: OnEvent | None = None, **changes: Any) -> auto.UpResult:
        """Updates with the config changed by `changes`."""
        self.config.update(changes)
        return self._stack().up(on_event=on_event)

    def refresh(self, on_event: OnEvent | None = None) -> auto.RefreshResult:
        return self._stack().refresh(on_event=on_event)

    def destroy(self, on_event: OnEvent | None = None) -> auto.DestroyResult:
        return self._stack().destroy(on_event=on_event)

    def unlock(self) -> None:
        """What `pulumi cancel` does after an update was killed."""
        self._stack().cancel()

    def resources(self) -> list[str]:
        """URN of everything the engine keeps in its state."""
        deployment = self._stack().export_stack().deployment or {}
        return [one["urn"] for one in deployment.get("resources", ())]

    def _stack(self) -> auto.Stack:
        (self.folder / "work").mkdir(exist_ok=True)
        own = {f"{PROJECT}:{key}": value for key, value in self.config.items()}
        written = {"config": {**own, **self.others}}
        (self.folder / "work" / f"Pulumi.{self.name}.yaml").write_text(yaml.safe_dump(written))
        options = auto.LocalWorkspaceOptions(
            work_dir=str(self.folder / "work"),
            env_vars=dict(self.environment),
            project_settings=auto.ProjectSettings(PROJECT, "python"),
            pulumi_command=auto.PulumiCommand(str(self.folder), skip_version_check=True),
        )
        stack = auto.create_or_select_stack(self.name, PROJECT, stand_up, opts=options)
        for key, value in self.secrets.items():
            stack.set_config(f"{PROJECT}:{key}", auto.ConfigValue(value, secret=True))
        return stack


@contextmanager
def skipping() -> Iterator[None]:
    """Skips what needs a tool that cannot be had."""
    try:
        yield
    except tools.MissingError as error:
        pytest.skip(str(error))


@contextmanager
def settled(folder: Path) -> Iterator[dict[str, str]]:
    """Gives a Pulumi CLI its program, home and state below `folder`; the environment by which it finds them."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "bin" / "pulumi").symlink_to(tools.find("pulumi"))
    (folder / "state").mkdir()
    with _uncollected():
        yield {
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "a test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }


@contextmanager
def _uncollected() -> Iterator[None]:
    """Lets Python look for lost objects at the end, and not meanwhile.

    Pulumi leaves the coroutine of a failed program half done. Where Python ends it in the midst of compiling something,
    its compiler fails (CPython issue 106905): pytest's own, too, as it reports a failed test.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        gc.enable()


@contextmanager
def engine_stack(folder: Path, name: str, doubles: Mapping[str, Provider[Any]] | None = None) -> Iterator[EngineStack]:
    """A stack in `folder`, with `doubles` in any case; tools.MissingError where there is no Pulumi CLI."""
    with settled(folder) as environment, ExitStack() as running:
        usual = {package: make() for package, make in DOUBLES.items() if not is_real(package)}
        taken = {**usual, **(doubles or {})}
        if taken:
            environment["PULUMI_DEBUG_PROVIDERS"] = running.enter_context(attached(taken))
        yield EngineStack(folder, name, environment)


def interrupt(number: int = signal.SIGINT) -> None:
    """Sends a signal to every `pulumi` that this process has started."""
    for child in _children():
        if number == signal.SIGKILL:
            _hold_between_two_writes(child)
        os.kill(child, number)


def _hold_between_two_writes(pid: int) -> None:
    """Stops a `pulumi` at a moment when its state is whole on the disk.

    The file backend takes the old state away before it writes the new one, so that a kill meanwhile leaves none, or
    half of one, or one whose attributes are half written: Pulumi's own weakness, which its `.bak` beside is for, and
    which no program can mend.
    """
    while True:
        os.kill(pid, signal.SIGSTOP)
        while not _stands_still(pid):
            time.sleep(0.001)
        if _states_are_whole(pid):
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)


def _stands_still(pid: int) -> bool:
    """Whether every thread of a process is stopped, or gone; they stop one by one."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            if (task / "stat").read_text().rpartition(")")[2].split()[0] not in "TtZX":
                return False
    return True


def _states_are_whole(pid: int) -> bool:
    pairs = (one.partition("=") for one in Path(f"/proc/{pid}/environ").read_text().split("\0"))
    address = next(value for name, _, value in pairs if name == "PULUMI_BACKEND_URL")
    stacks = Path(address.removeprefix("file://")) / ".pulumi" / "stacks"
    states = [*stacks.rglob("*.json"), *stacks.rglob("*.json.attrs")]
    try:
        return all(json.loads(state.read_text()) for state in states) and len(states) > 1
    except (ValueError, FileNotFoundError):
        return False


def _children() -> Iterator[int]:
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            if Path(f"/proc/{child}/comm").read_text().strip() == "pulumi":
                yield int(child)
