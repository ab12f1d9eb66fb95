"""A Hugging Face Hub of the tests' own, on loopback: repositories from folders, some of them gated.

Just as much of the protocol as its real clients ask for; they are the ones that the programs use.
"""

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_" + "t" * 34


@dataclass(frozen=True, slots=True)
class Repository:
    """Files by name; a gated one is given to those with `TOKEN` alone."""

    files: Mapping[str, bytes]
    gated: bool = False


@dataclass(slots=True)
class Hub:
    """`address` is what HF_ENDPOINT is to be."""

    address: str
    models: dict[str, Repository] = field(default_factory=dict)
    datasets: dict[str, Repository] = field(default_factory=dict)


def from_folder(folder: Path, *, gated: bool = False) -> Repository:
    return Repository({path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}, gated)


@contextmanager
def serving() -> Iterator[Hub]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    hub = Hub(f"http://127.0.0.1:{server.server_port}")
    server.hub = hub  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class names it so
        pass

    def do_GET(self) -> None:
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[0] == "api":
            self._describe(parts[1], "/".join(parts[2:4]), parts[4:])
        elif parts[0] == "datasets":
            self._resolve("datasets", "/".join(parts[1:3]), parts[3:])
        else:
            self._resolve("models", "/".join(parts[:2]), parts[2:])

    def do_HEAD(self) -> None:
        self.do_GET()

    def _repository(self, kind: str, name: str) -> Repository | None:
        """The repository asked for; an answer is given here where there is none, or the token is missing."""
        found: Repository | None = getattr(self.server.hub, kind).get(name)  # type: ignore[attr-defined]
        if found is None:
            self._answer(401, b"{}", X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")
        elif found.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, b"{}", X_Error_Code="GatedRepo", X_Error_Message=f"Access to {name} is restricted")
            return None
        return found

    def _describe(self, kind: str, name: str, rest: list[str]) -> None:
        repository = self._repository(kind, name)
        if repository is None:
            return
        if rest[:1] == ["tree"]:
            listed: Any = [_described(path, content) for path, content in repository.files.items()]
        else:
            siblings = [{"rfilename": path} for path in repository.files]
            listed = {"_id": "1", "id": name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
        self._answer(200, json.dumps(listed).encode(), Content_Type="application/json")

    def _resolve(self, kind: str, name: str, rest: list[str]) -> None:
        repository = self._repository(kind, name)
        if repository is None:
            return
        content = repository.files.get("/".join(rest[2:]))
        if content is None:
            self._answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)
        else:
            self._answer(200, content, X_Repo_Commit=COMMIT, ETag=f'"{hashlib.sha256(content).hexdigest()}"')

    def _answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _described(path: str, content: bytes) -> dict[str, Any]:
    return {"type": "file", "oid": hashlib.sha256(content).hexdigest(), "size": len(content), "path": path}
