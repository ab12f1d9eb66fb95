"""A bucket that other processes can read: S3's listing and reading, over HTTP, of the files in a folder."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from workloads.programs import store


@contextmanager
def bucket(name: str, folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which boto3 finds the bucket `name`, and no other."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            found, _, key = unquote(asked.path).removeprefix("/").partition("/")
            if found != name:
                self._answer(404, b"<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>")
            elif not key:
                self._answer(200, listing(folder, parse_qs(asked.query).get("prefix", [""])[0]))
            elif (folder / key).is_file():
                self._answer(200, (folder / key).read_bytes())
            else:
                self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")

        do_HEAD = do_GET  # noqa: N815

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
        yield {**keys, "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{server.server_port}"}
    finally:
        server.shutdown()
        server.server_close()


def listing(folder: Path, prefix: str) -> bytes:
    sizes = store.at(str(folder)).sizes(prefix)
    told = "".join(f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size></Contents>" for key, size in sizes.items())
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{told}</ListBucketResult>".encode()
