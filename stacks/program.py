"""The Pulumi program: settings, platform, run, outputs, in that order. It is the architecture at a glance."""

import json

import pulumi

from components.guard.destroy import DestroyGuard

from . import config, plan_words
from .declared import Declared
from .facts import facts
from .mistakes import SettingsError
from .platforms import PLATFORMS
from .receipt import receipt
from .run import Choice, Run, make_run, with_facts
from .run_price import machine_price
from .settings import LACKS_TOKEN, Settings, read


def stand_up() -> None:
    """Reads the stack's settings, chooses the platform, has it carry out the recipe, and exports what it tells."""
    settings = read_settings()
    for mistake in settings.ignored:
        pulumi.warn(str(mistake))
    platform = PLATFORMS[settings.platform](settings)
    require([*([str(LACKS_TOKEN)] if settings.lacks_token else []), *platform.missing()])
    declared, run = Declared(), run_of(settings)
    outputs = {**platform.carry_out(run), **_costs(settings, run, declared)}
    for name, value in outputs.items():
        pulumi.export(name, value)
    if platform.guard:
        # deleted before all there is, so that a destroy that it refuses has not begun
        DestroyGuard("guard-first", platform.guard, pulumi.ResourceOptions(depends_on=[*declared.resources]))


def _costs(settings: Settings, run: Run, declared: Declared) -> dict[str, pulumi.Output[dict[str, str]]]:
    """What all that is declared costs, in the words of `trainyard plan`."""
    if settings.platform == "local":
        return {}
    idle = settings.nodes.idle
    machines = machine_price(run.chosen, idle)
    return {"costs": declared.all.apply(lambda made: plan_words.outputs(receipt(made, run, idle), machines))}


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
