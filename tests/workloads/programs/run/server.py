"""An HTTPS server on loopback that answers as an API server does, or as a test wants it."""

import http.server
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answers with; `length` is how long it says the content is, where that is not true."""

    status: int = 200
    content: bytes = b"{}"
    length: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


def says(**content: Any) -> Answer:
    return Answer(content=json.dumps(content).encode())


def no(status: int, message: str = "in the server's words") -> Answer:
    """An error as the API server gives it."""
    told = {"kind": "Status", "status": "Failure", "message": message, "code": status}
    return Answer(status, json.dumps(told).encode())


@dataclass(slots=True)
class Server:
    """An HTTPS server on loopback. `answer` says what it answers; `requests` has what it was asked."""

    port: int = 0
    answer: Callable[[Request], Answer] = field(default=lambda request: says())
    requests: list[Request] = field(default_factory=list)

    @property
    def last(self) -> Request:
        return self.requests[-1]


@contextmanager
def serving(certificate: Path) -> Iterator[Server]:
    made = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 5

        def answer(self) -> None:
            url = urlparse(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(content) if content else None
            request = Request(self.command, url.path, parse_qs(url.query), dict(self.headers), body)
            made.requests.append(request)
            answer = made.answer(request)
            time.sleep(answer.seconds)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.content) if answer.length is None else answer.length))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    for method in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that goes away, or trusts nobody, is part of the tests."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_name("server.key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        made.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def make_certificate(folder: Path) -> Path:
    folder.mkdir()
    key, certificate = folder / "server.key", folder / "server.crt"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=trainyard-test", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", *kind, *names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    return certificate


ITEM = {"kind": "Job", "metadata": {"name": "train-abc"}}
