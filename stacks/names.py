"""Where a stack's run is found: the namespace on each platform."""

from .settings import Settings

EKS_NAMESPACE = "trainyard"
"""Of all that a recipe runs on a cluster of the stack's own."""


def existing_namespace(stack: str) -> str:
    """Made by the stack on a cluster that the user has, where the config names none."""
    return f"trainyard-{stack}"


def namespace(settings: Settings, stack: str) -> str:
    if settings.platform == "existing":
        return settings.existing.namespace or existing_namespace(stack)
    return EKS_NAMESPACE
