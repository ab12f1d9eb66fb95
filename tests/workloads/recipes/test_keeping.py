"""Every recipe's last step: what it keeps decides its hash, and where that goes does not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import HfArgumentParser

from workloads.hardware import trainium
from workloads.launchers.local import Machine, command
from workloads.programs.keep import Arguments
from workloads.recipes import RECIPES, Fleet, Recipe, Step, hashing
from workloads.recipes.keeping import KEEP, keep
from workloads.recipes.step import Folder, Folders, Processor, ThisMachine

FLEET = Fleet(trainium("trn1.32xlarge"), 1, efa=True)


@pytest.fixture(params=sorted(RECIPES))
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return RECIPES[request.param]


def steps(recipe: Recipe, **changed: object) -> tuple[Step, ...]:
    parameters = recipe.parameters(**changed)
    return recipe.whole(recipe.steps(parameters, FLEET))


def known(whole: tuple[Step, ...]) -> str:
    return hashing.hashes(whole)[KEEP]


def test_it_comes_last_and_needs_all_that_what_is_kept_comes_from(recipe: Recipe) -> None:
    whole = steps(recipe)
    assert whole[-1].name == KEEP
    assert whole[-1].image == whole[0].image
    assert isinstance(whole[-1].placement, Processor)
    by_name = {step.name: step for step in whole}
    for name in whole[-1].needs:
        assert set(by_name[name].needs) <= set(whole[-1].needs)


def test_a_rehearsal_has_it_on_this_machine(recipe: Recipe) -> None:
    parameters = recipe.rehearsal()
    last = recipe.whole(recipe.steps(parameters, None))[-1]
    assert (last.name, last.placement, last.launcher, last.image) == (KEEP, ThisMachine(), "local", None)


def test_its_hash_changes_with_what_is_kept_and_what_that_comes_from(recipe: Recipe) -> None:
    whole = steps(recipe)
    assert known(steps(recipe, learning_rate=2e-5)) != known(whole)
    less = replace(recipe, keep={"model": recipe.results["model"]})
    assert known(steps(less)) != known(whole)


def test_its_hash_does_not_change_with_what_no_result_depends_on(recipe: Recipe) -> None:
    whole = steps(recipe)
    tuned = "log_every" if "log_every" in recipe.parameters.model_fields else "keep_checkpoints"
    assert known(steps(recipe, **{tuned: 7})) == known(whole)


def test_without_a_list_the_results_are_kept_and_what_no_step_makes_is_not(recipe: Recipe) -> None:
    own = replace(recipe, keep=None, results={**recipe.results, "none": Folder("nowhere")})
    whole = steps(own)
    made = {name: one for name, one in recipe.results.items() if one.step in {step.name for step in whole}}
    assert {"model", "report"} <= made.keys()
    assert whole[-1].arguments["keep"] == Folders(made)


def test_where_nothing_of_a_list_is_made_the_card_of_all_steps_is_kept(recipe: Recipe) -> None:
    made = recipe.steps(recipe.rehearsal(), None)
    step = keep(recipe.name, {"model": Folder("no-such-step")}, made)
    assert set(step.needs) == {one.name for one in made}
    line = command(step, recipe.name, hashing.hashes((*made, step)), Machine(Path("/shared"), "python"))
    program: Any = Arguments
    (parsed,) = HfArgumentParser(program).parse_args_into_dataclasses(args=list(line.argv[3:]))
    assert parsed.keep == []


def test_a_rehearsal_keeps_something_of_every_recipe(recipe: Recipe) -> None:
    step = recipe.whole(recipe.steps(recipe.rehearsal(), None))[-1]
    assert step.arguments["keep"]
