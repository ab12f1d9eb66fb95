"""The Pulumi program: settings, platform, run, outputs, in that order. It is the architecture at a glance."""

import json

import pulumi

from components.guard.destroy import DestroyGuard

from . import config
from .facts import facts
from .mistakes import SettingsError
from .platforms import PLATFORMS
from .run import Choice, Run, make_run, with_facts
from .settings import LACKS_TOKEN, Settings, read


def stand_up() -> None:
    """Reads the stack's settings, chooses the platform, has it carry out the recipe, and exports what it tells."""
    settings = read_settings()
    for mistake in settings.ignored:
        pulumi.warn(str(mistake))
    platform = PLATFORMS[settings.platform](settings)
    require([*([str(LACKS_TOKEN)] if settings.lacks_token else []), *platform.missing()])
    declared = gather()
    for name, value in platform.carry_out(run_of(settings)).items():
        pulumi.export(name, value)
    if platform.guard:
        # deleted before all there is, so that a destroy that it refuses has not begun
        DestroyGuard("guard-first", platform.guard, pulumi.ResourceOptions(depends_on=[*declared]))


def gather() -> list[pulumi.Resource]:
    """A list to which every resource is added that the program declares from now on."""
    declared: list[pulumi.Resource] = []

    def add(args: pulumi.ResourceTransformationArgs) -> None:
        declared.append(args.resource)

    pulumi.runtime.register_stack_transformation(add)
    return declared


def read_settings() -> Settings:
    """The settings of the running stack; its mistakes are told in one line each, and nothing is registered."""
    try:
        return read(config.from_engine())
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None


def run_of(settings: Settings) -> Run:
    choice = Choice(
        first=settings.steps.first,
        last=settings.steps.last,
        images=settings.images,
        resume_from=settings.resume_from,
    )
    run = make_run(settings.recipe, settings.parameters, settings.fleet, choice)
    return with_facts(run, json.dumps(facts(run, settings), sort_keys=True))


def require(missing: list[str]) -> None:
    """Lets a preview go on with a warning where something is missing; stops an update before anything is made."""
    if missing and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError("\n".join(missing))
    for sentence in missing:
        pulumi.warn(sentence)
