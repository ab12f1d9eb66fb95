"""Where a stack's run is found: the namespace and the context on each platform."""

from .settings import Settings

EKS_NAMESPACE = "trainyard"
"""Of all that a recipe runs on a cluster of the stack's own."""


def eks_label(stack: str) -> str:
    """What the stack's own cluster, and the context that leads to it, are known by."""
    return f"trainyard-{stack}"


def existing_namespace(stack: str) -> str:
    """Made by the stack on a cluster that the user has, where the config names none."""
    return f"trainyard-{stack}"


def namespace(settings: Settings, stack: str) -> str:
    if settings.platform == "existing":
        return settings.existing.namespace or existing_namespace(stack)
    return EKS_NAMESPACE


def context(settings: Settings, stack: str) -> str | None:
    """The kubeconfig's context: on eks the alias under which the output `kubeconfig` has it written; None for any."""
    return eks_label(stack) if settings.platform == "eks" else settings.existing.context
