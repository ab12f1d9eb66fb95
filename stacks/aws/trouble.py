"""What can go wrong when AWS is asked, in one line that a person can act on."""

import re

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
NETWORK = (HTTPClientError, EndpointConnectionError)
ALL = (ClientError, BotoCoreError, ResponseParserError)
"""Whatever botocore raises when it is asked properly."""

DENIED = re.compile("AccessDenied|Unauthorized|AuthorizationError|NotAuthorized")
EXPIRED = re.compile("ExpiredToken|RequestExpired|TokenRefreshRequired")
REFUSED = re.compile("InvalidClientTokenId|UnrecognizedClient|AuthFailure|SignatureDoesNotMatch|InvalidAccessKeyId")

IAM_PREFIXES = {"tagging": "tag"}
"""Where rights are named otherwise than requests are signed."""
IAM_ACTIONS = {"s3:ListBuckets": "s3:ListAllMyBuckets", "s3:HeadBucket": "s3:ListBucket"}

LOG_IN = "aws sso login, or aws configure"


class Trouble(Exception):  # noqa: N818
    """AWS gave no answer to go on with. `code` is the one it gave, if any; `mend` what a person can do."""

    def __init__(self, text: str, mend: str | None = None, code: str = ""):
        super().__init__(text)
        self.text, self.mend, self.code = text, mend, code


def trouble(error: Exception, signing_name: str, operation: str) -> Trouble:
    """`error`, which the operation (as DescribeVpcs) of the service that signs so has raised, in our words."""
    if isinstance(error, ClientError):
        return _refusal(error, action(signing_name, operation))
    if isinstance(error, CREDENTIALS):
        return Trouble(f"there are no credentials for AWS that work: {_line(error)}", LOG_IN)
    if isinstance(error, NETWORK):
        return Trouble(f"AWS does not answer: {_line(error)}", "look at the network, its proxy, and the region's name")
    return Trouble(f"AWS gave no answer that can be read: {_line(error)}")


def action(signing_name: str, operation: str) -> str:
    """The IAM action that allows `operation`."""
    named = f"{IAM_PREFIXES.get(signing_name, signing_name)}:{operation}"
    return IAM_ACTIONS.get(named, named)


def _refusal(error: ClientError, allowed_by: str) -> Trouble:
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", "")).split("\n")[0]
    if DENIED.search(code):
        return Trouble(f"not allowed: {allowed_by}", f"let your role or user have {allowed_by}", code)
    if EXPIRED.search(code):
        return Trouble("the credentials for AWS have expired", LOG_IN, code)
    if REFUSED.search(code):
        return Trouble(f"AWS does not know these credentials, or not in this region ({code})", LOG_IN, code)
    return Trouble(f"AWS refused {allowed_by}: {code} {message}".rstrip(), None, code)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
