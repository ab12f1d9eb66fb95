"""The Hub, played by a server of this machine's own."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from stacks.preflight.finding import Finding
from stacks.preflight.hugging_face import from_pulumi, hugging_face
from stacks.preflight.wanted import Model
from stacks.pulumi_cli import PulumiError
from tests.stacks.preflight.stand import dev

GOOD = "hf_" + "a" * 30
ANSWERS = {"some/open": 200, "some/gated": 403, "some/gone": 404, "some/broken": 500, "some/old": 307}


class _Hub(BaseHTTPRequestHandler):
    asked: list[tuple[str, str]] = []  # noqa: RUF012

    def do_HEAD(self) -> None:
        self.asked.append((self.command, self.path))
        known = self.headers.get("Authorization") == f"Bearer {GOOD}"
        status = ANSWERS["/".join(self.path.split("/")[1:3])] if known else 401
        self.send_response(status)
        if status == 307:
            self.send_header("Location", self.path.replace("some/old", "some/open"))
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def found(hub: str, *names: str, token: str = GOOD) -> Finding:
    use = dev(models=tuple(Model(name, "main") for name in names), has_token=True)
    return hugging_face(use, lambda stack: token, hub)


def test_what_the_dev_stacks_recipe_reads_is_what_is_asked_for() -> None:
    names = ("meta-llama/Meta-Llama-3-8B", "meta-llama/Meta-Llama-3-8B-Instruct")
    assert dev().models == tuple(Model(name, "main") for name in names)


def test_a_token_that_opens_the_model_is_ok(hub: str) -> None:
    assert found(hub, "some/open").ok
    assert _Hub.asked[-1] == ("HEAD", "/some/open/resolve/main/config.json")


def test_a_models_new_name_is_followed(hub: str) -> None:
    assert found(hub, "some/old").ok
    assert _Hub.asked[-1][1] == "/some/open/resolve/main/config.json"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("some/gated", "accept its licence"),
        ("some/gone", "the Hub has no some/gone at revision main"),
        ("some/broken", "the Hub answers 500"),
    ],
)
def test_every_model_must_open(hub: str, name: str, text: str) -> None:
    told = found(hub, "some/open", name)
    assert not told.ok
    assert text in told.text


def test_a_token_that_the_hub_does_not_know_is_wrong_and_never_shown(hub: str) -> None:
    bad = "hf_" + "b" * 30
    told = found(hub, "some/open", token=bad)
    assert not told.ok
    assert "does not know the token" in told.text
    assert told.mend == "pulumi config set --secret trainyard:hfToken --stack dev"
    assert bad not in str(told)


def test_a_hub_that_does_not_answer_is_a_failed_check(hub: str) -> None:
    told = found("http://127.0.0.1:9", "some/open")
    assert not told.ok
    assert "does not answer" in told.text


def test_a_gated_model_without_a_token_is_wrong() -> None:
    assert not dev().has_token
    told = hugging_face(dev(), lambda stack: GOOD)
    assert not told.ok
    assert told.mend == "pulumi config set --secret trainyard:hfToken --stack dev"


def test_a_recipe_without_a_gated_model_needs_no_token() -> None:
    assert hugging_face(dev(models=()), lambda stack: GOOD).ok


def test_a_token_that_cannot_be_read_is_wrong_and_says_why(hub: str) -> None:
    def none(stack: str) -> str:
        raise PulumiError("passphrase must be set")

    told = hugging_face(dev(has_token=True), none, hub)
    assert not told.ok
    assert "passphrase must be set" in told.text


def test_the_token_is_read_by_the_pulumi_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(
        '#!/bin/sh\ntest "$*" = "config get trainyard:hfToken --stack dev --non-interactive" && echo secret'
    )
    pulumi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert from_pulumi(tmp_path)("dev") == "secret"
    pulumi.write_text("#!/bin/sh\necho error: no stack >&2; exit 255")
    with pytest.raises(PulumiError, match="no stack"):
        from_pulumi(tmp_path)("dev")
    pulumi.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PulumiError, match="pulumi"):
        from_pulumi(tmp_path)("dev")
