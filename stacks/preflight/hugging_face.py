"""Whether the stack's Hugging Face token opens the models that its recipe reads."""

import http.client
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from .. import pulumi_cli
from .finding import Finding, ok, wrong
from .wanted import Model, Wanted

HUB = "https://huggingface.co"
FILE = "config.json"
"""What every model has; it is small, and opens only with its model."""
SECONDS = 10
CHECK = "hugging face"


def hugging_face(wanted: Wanted, token: Callable[[str], str], hub: str = HUB) -> Finding:
    """`token` gives a stack's token by the stack's name; PulumiError where it cannot."""
    stack = wanted.owner.stack
    if not wanted.models:
        return ok(CHECK, "the recipe reads no gated model")
    given = f"pulumi config set --secret trainyard:hfToken --stack {stack}"
    if not wanted.has_token:
        return wrong(CHECK, "the recipe's model is gated and there is no token: accept its licence first", given)
    try:
        secret = token(stack)
    except pulumi_cli.PulumiError as error:
        return wrong(
            CHECK, f"the token cannot be read: {error}", f"pulumi config get trainyard:hfToken --stack {stack}"
        )
    for model in wanted.models:
        fault = refusal(model, secret, hub)
        if fault:
            return wrong(CHECK, fault, given if "token" in fault else None)
    return ok(CHECK, f"the token opens {', '.join(model.repository for model in wanted.models)}")


class _SameHost(HTTPRedirectHandler):
    """Follows a model's new name. To another host, which gets no token, it does not: there the file would come from."""

    def redirect_request(  # noqa: PLR0917
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def refusal(model: Model, token: str, hub: str) -> str | None:
    """Why the Hub does not give out `model`, or None."""
    address = f"{hub}/{model.repository}/resolve/{model.revision}/{FILE}"
    request = Request(address, method="HEAD", headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        build_opener(_SameHost).open(request, timeout=SECONDS).close()
    except HTTPError as error:
        return None if 300 <= error.code < 400 else _said(error.code, model)
    except (URLError, OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        return f"{hub} does not answer: {' '.join(str(reason).split())}"
    return None


def _said(status: int, model: Model) -> str:
    page = f"{HUB}/{model.repository}"
    return {
        401: "the Hub does not know the token: make a new one on huggingface.co/settings/tokens",
        403: f"the token does not open {model.repository}: accept its licence on {page}, as the user whose token it is",
        404: f"the Hub has no {model.repository} at revision {model.revision}",
    }.get(status, f"the Hub answers {status} for {page}")


def from_pulumi(project: Path) -> Callable[[str], str]:
    """Has the Pulumi CLI decrypt a stack's token."""
    return lambda stack: pulumi_cli.ask(stack, "config", "get", "trainyard:hfToken", project=project)
