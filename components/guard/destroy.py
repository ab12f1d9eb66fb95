"""What stops a `pulumi destroy` that would lose something."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_command import local


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyGuardArgs:
    """`check` is a shell line whose failure stops the destroy; what it prints is told.

    `environment` may differ from machine to machine: the first update's stays.
    """

    check: pulumi.Input[str]
    environment: Mapping[str, str]


class DestroyGuard(pulumi.ComponentResource):
    """Nothing but a line that runs when it is deleted. What it depends on goes after it, or stays with it.

    A changed line is taken over without running the old one. It costs nothing.
    """

    def __init__(self, name: str, args: DestroyGuardArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:DestroyGuard", name, {}, opts)
        local.Command(
            f"{name}-check",
            delete=args.check,
            environment=args.environment,
            # what an earlier line said is no part of the next one's surroundings
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["environment"]),
        )
        self.register_outputs({})
