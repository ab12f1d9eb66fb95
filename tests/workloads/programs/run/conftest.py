"""A small recipe in a cluster in memory, and an API server that answers over HTTPS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workloads.programs.run.server import Server, make_certificate, serving
from tests.workloads.programs.run.world import (
    BASELINE,
    PREPARE,
    REPORT,
    SERVICE,
    TRAIN,
    World,
    job,
    source,
)
from workloads.programs.run.api import Api


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for step in (PREPARE, BASELINE, REPORT):
        world.cluster.put(source(step, job(step)))
    world.cluster.put(source(TRAIN, SERVICE, job(TRAIN, pods=2)))
    return world


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificates") / "server")


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(certificate) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        yield server


@pytest.fixture
def account(certificate: Path, tmp_path: Path) -> Path:
    """The folder that a pod finds its service account in."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "ca.crt").write_bytes(certificate.read_bytes())
    (folder / "token").write_text("first\n")
    (folder / "namespace").write_text("trainyard\n")
    return folder


@pytest.fixture
def api(server: Server, account: Path) -> Api:
    return Api(account, seconds=5)
