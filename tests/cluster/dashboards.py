"""The dashboards of the Ray clusters that KubeRay makes, where it asks how a submitted job does.

No Ray runs in a test's cluster: what a dashboard tells follows from the pod that submitted the job. KubeRay reaches all
of them through this server, an HTTP proxy in its environment, since nothing here resolves a service's name.
"""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlparse

from .kubelet import Kubelet


@contextmanager
def dashboards(machines: Kubelet) -> Iterator[str]:
    """Serves them; the address of the proxy."""

    class Dashboard(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state = machines.submitted.get(urlparse(self.path).path.rpartition("/")[2])
            content = json.dumps(job(*state) if state else {}).encode()
            self.send_response(200 if state else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dashboard)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def job(status: int | None, log: str) -> dict[str, str]:
    """What Ray's job API says of a program that goes on, or ended with `status`, in Ray 2.52's own words."""
    if status is None:
        return {"status": "RUNNING", "message": "Job is currently running."}
    if status == 0:
        return {"status": "SUCCEEDED", "message": "Job finished successfully."}
    said = f"Job entrypoint command failed with exit code {status}, last available logs (truncated to 20,000 chars):"
    return {"status": "FAILED", "message": f"{said}\n{log}"}
