"""A registry of the user's own in the place of the public ones, for images and charts alike."""

from .versions import Chart

OCI = "oci://"


def mirrored(reference: str, mirror: str | None) -> str:
    """`reference`, of an image or a chart, with `mirror` (a host, and a path if need be) in its registry's place.

    Its own path stays, so that one rule says where everything has to be. A repository on the web becomes an OCI
    address: a registry holds charts as OCI artefacts, and the index of a copied web repository would lead back to
    where it was.
    """
    if mirror is None:
        return reference
    scheme, _, rest = reference.rpartition("://")
    host, slash, path = rest.partition("/")
    within = path if slash and _is_host(host) else rest
    return f"{OCI if scheme else ''}{mirror.strip('/')}/{within.rstrip('/')}"


def registry(host: str, mirror: str | None) -> str:
    """The place of `host` alone, for a chart that names the registry of all its images in one value."""
    return host if mirror is None else mirror.strip("/")


def _is_host(name: str) -> bool:
    """As container runtimes tell a registry from the first folder of an image on Docker Hub."""
    return "." in name or ":" in name or name == "localhost"


def chart_source(chart: Chart, mirror: str | None) -> tuple[str, str | None]:
    """What Helm is to be told: the chart, and its repository's address where the chart alone is not one."""
    address = mirrored(chart.repository, mirror)
    if not address.startswith(OCI):
        return chart.name, address
    return (address if address.endswith(f"/{chart.name}") else f"{address}/{chart.name}"), None
