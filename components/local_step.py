"""One step of a recipe, carried out on the machine that runs `pulumi up`."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_command import local


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStepArgs:
    """`command` is a shell line that is safe to run again; `hash` is what its result depends on."""

    command: str
    environment: Mapping[str, pulumi.Input[str]]
    working_folder: str
    folder: str
    hash: str


class LocalStep(pulumi.ComponentResource):
    """Runs a command when the step is new or its hash has changed, and streams its output to the update's log.

    It costs nothing. Deleting it runs nothing and leaves the step's folder: results outlive `pulumi destroy`.
    """

    folder: pulumi.Output[str]
    """The step's folder, known once the command has ended well."""

    def __init__(self, name: str, args: LocalStepArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:LocalStep", name, {}, opts)
        command = local.Command(
            f"{name}-command",
            # the shell steps aside, so that an interrupted update ends the step itself and not just the shell
            create=f"exec {args.command}",
            dir=args.working_folder,
            environment=args.environment,
            triggers=[args.hash],
            # the step's whole log would go into the environment of the next one, and can be too long for it
            add_previous_output_in_env=False,
            # a program that printed a token would have it stored
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["stdout", "stderr"]),
        )
        self.folder = command.triggers.apply(lambda _: args.folder)
        self.register_outputs({"folder": self.folder, "hash": args.hash})
