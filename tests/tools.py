"""The real programs that tests start: a control plane, fake nodes, an operator, the Pulumi CLI.

Each is looked for where people keep it: KUBEBUILDER_ASSETS (envtest's convention), then PATH, then a cache of this
project's, outside the tree. Where there is Go, what is missing is built once into that cache, from its Go module at the
version that stands here. `python -m tests.tools` builds all of them, or those it is given by name.

TRAINYARD_TOOLS names the cache, `~/.cache/trainyard/tools` by default; TRAINYARD_BUILD_TOOLS=0 builds nothing.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CACHE = Path(os.environ.get("TRAINYARD_TOOLS") or Path.home() / ".cache" / "trainyard" / "tools")

KUBERNETES = "1.35.4"
PULUMI = "3.259.0"


@dataclass(frozen=True, slots=True)
class Tool:
    """A Go program: `package` of `module` at `version`. `variables` are set by the linker."""

    name: str
    module: str
    version: str
    package: str
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def built(self) -> Path:
        return CACHE / f"{self.name}-{self.version}"


def _kubernetes(name: str) -> Tool:
    major, minor, _ = KUBERNETES.split(".")
    told = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    variables = {f"k8s.io/component-base/version.{key}": value for key, value in told.items()}
    return Tool(name, "k8s.io/kubernetes", f"v{KUBERNETES}", f"k8s.io/kubernetes/cmd/{name}", variables)


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("etcd", "go.etcd.io/etcd/server/v3", "v3.6.6", "go.etcd.io/etcd/server/v3"),
        _kubernetes("kube-apiserver"),
        _kubernetes("kube-controller-manager"),
        _kubernetes("kube-scheduler"),
        _kubernetes("kubectl"),
        Tool("kwok", "sigs.k8s.io/kwok", "v0.7.0", "sigs.k8s.io/kwok/cmd/kwok"),
        Tool(
            "mpi-operator",
            "github.com/kubeflow/mpi-operator",
            "v0.8.0",
            "github.com/kubeflow/mpi-operator/cmd/mpi-operator",
        ),
        Tool("karpenter-kwok", "sigs.k8s.io/karpenter", "v1.14.1", "sigs.k8s.io/karpenter/kwok"),
        Tool(
            "pulumi",
            "github.com/pulumi/pulumi/pkg/v3",
            f"v{PULUMI}",
            "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            {"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": f"v{PULUMI}"},
        ),
    )
}

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl")


class MissingError(Exception):
    """A tool that is not there; its text says what was tried."""


def find(name: str) -> Path:
    """The program `name`, built if need be and possible; MissingError otherwise."""
    tool = TOOLS.get(name)
    places = [Path(folder, name) for folder in os.environ.get("KUBEBUILDER_ASSETS", "").split(os.pathsep) if folder]
    on_path = shutil.which(name)
    for place in [*places, *([Path(on_path)] if on_path else []), tool.built if tool else CACHE / name]:
        if os.access(place, os.X_OK):
            return place
    looked = f"{name} is not in KUBEBUILDER_ASSETS, on PATH or in {CACHE}"
    if tool is None:
        raise MissingError(f"{looked}, and no Go module has it: docs/testing.md says how to get it")
    if os.environ.get("TRAINYARD_BUILD_TOOLS") == "0":
        raise MissingError(f"{looked}, and TRAINYARD_BUILD_TOOLS=0 forbids to build it")
    if not shutil.which("go"):
        raise MissingError(f"{looked}, and there is no Go to build it with")
    return build(tool)


def build(tool: Tool) -> Path:
    """Builds `tool` into the cache, once for all who ask; MissingError with Go's own words where that fails."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with _alone(tool.module):
        if not tool.built.exists():
            folder = CACHE / "modules" / re.sub(r"\W+", "-", tool.module)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "go.mod").write_text(_go_mod(tool))
            partial = tool.built.with_suffix(".partial")
            flags = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in tool.variables.items())])
            _go(folder, "build", "-mod=mod", "-trimpath", "-ldflags", flags, "-o", str(partial), tool.package)
            partial.replace(tool.built)
    return tool.built


def _go_mod(tool: Tool) -> str:
    """A module that requires `tool` and, where that names modules of its own tree as v0.0.0, their real versions."""
    lines = ["module trainyard.test/tools", "go 1.25", f"require {tool.module} {tool.version}"]
    own = _go(CACHE, "mod", "download", "-json", f"{tool.module}@{tool.version}")
    manifest = re.search(r'"GoMod": "(.+?)"', own)
    if manifest and tool.module == "k8s.io/kubernetes":
        staged = re.findall(r"^\s*(k8s\.io/\S+) v0\.0\.0$", Path(manifest[1]).read_text(), re.MULTILINE)
        lines += [f"replace {name} => {name} v0{tool.version[2:]}" for name in staged]
    return "\n".join(lines) + "\n"


def _go(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
    done = subprocess.run(["go", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingError(f"`go {arguments[0]}` failed in {folder}: {done.stderr.strip()[-2000:]}")
    return done.stdout


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One build of a module at a time, over all processes."""
    with (CACHE / f".{re.sub(r'[^a-z0-9]+', '-', name)}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    for wanted in sys.argv[1:] or TOOLS:
        print(f"{wanted}: {find(wanted)}", flush=True)
