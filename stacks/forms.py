"""The forms that texts in a config may have: each refuses what is none, in words that say what would be one."""

import re
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from workloads.recipes import hashing


def _form(pattern: str, words: str) -> AfterValidator:
    """Refuses a text that is not of the form `pattern`, which `words` describe."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("form", "{words}", {"words": words})
        return text

    return AfterValidator(check)


Name = Annotated[
    str, _form(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "a name has lower-case letters, digits and hyphens, 63 at most")
]
Size = Annotated[str, _form(r"[1-9][0-9]*(Gi|Ti)", "a size is a number with Gi or Ti, as 1200Gi")]
Reference = Annotated[str, _form(r"\S+", "name an image as registry/repository:tag")]
StepFolder = Annotated[
    str,
    _form(rf"|[a-z-]+-[0-9a-f]{{{hashing.LENGTH}}}", "name a step's folder below /shared/runs, as train-0123456789"),
]

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _duration(text: Any) -> Any:
    """`90m`, `2h`, `1d` as a time; anything else for pydantic to refuse."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([mhd])", str(text))
    if not found or float(found[1]) == 0:
        raise PydanticCustomError("form", "a time is a number with m, h or d, as 90m, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


Duration = Annotated[timedelta, BeforeValidator(_duration)]


def _network(text: str) -> str:
    try:
        ip_network(text)
        trouble = "" if "/" in text else f"one address alone as {text}/32"
    except ValueError as error:
        trouble = str(error)
    if trouble:
        raise PydanticCustomError("form", "{words}", {"words": f"a network is written as 10.1.0.0/21; {trouble}"})
    return text


Cidr = Annotated[str, AfterValidator(_network)]
Arn = Annotated[str, _form(r"arn:[\w-]+:iam::\d{12}:.+", "an ARN is written as arn:aws:iam::123456789012:role/name")]
Email = Annotated[str, _form(r"[^@\s]+@[^@\s]+", "an e-mail address has an @")]
