"""A run: what of a recipe is chosen, and which steps a choice makes anew."""

from collections.abc import Mapping

import pytest

from stacks.run import Choice, Run, make_run
from workloads.hardware import trainium
from workloads.recipes import RECIPES, Fleet, Recipe
from workloads.recipes.images import NEURON_TRAINING as IMAGE
from workloads.recipes.step import RESUME_FROM, Earlier

NAMES = ["prepare", "compile", "train", "consolidate", "test", "keep"]
FROM_TRAIN = {"train", "consolidate", "test", "keep"}
FLEET = Fleet(trainium("trn1.32xlarge"), 1, efa=True)
EARLIER = Earlier("train", "0123456789")


@pytest.fixture(params=["llama3-8b-lora", "llama3-8b-text-to-sql"])
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return RECIPES[request.param]


def run(recipe: Recipe, choice: Choice | None = None, fleet: Fleet | None = FLEET) -> Run:
    return make_run(recipe, (recipe.parameters if fleet else recipe.rehearsal)(), fleet, choice)


def changed(recipe: Recipe, choice: Choice, other: Choice | None = None, fleet: Fleet | None = FLEET) -> set[str]:
    """The steps to which the two choices give another hash."""
    before, after = run(recipe, other, fleet).hashes, run(recipe, choice, fleet).hashes
    assert set(before) == set(after)
    return {name for name in before if before[name] != after[name]}


def images(reference: str) -> Mapping[str, str]:
    return {IMAGE.name: reference}


def names(run: Run) -> list[str]:
    return [step.name for step in run.chosen]


# images


def test_an_image_of_ones_own_takes_the_recipes_place_in_every_step(recipe: Recipe) -> None:
    for step in run(recipe, Choice(images=images("registry.example.com/mine:1"))).steps:
        assert step.image
        assert (step.image.name, step.image.base, step.image.packages) == (
            IMAGE.name,
            "registry.example.com/mine:1",
            (),
        )


def test_another_image_makes_every_step_anew(recipe: Recipe) -> None:
    assert changed(recipe, Choice(images=images("registry.example.com/mine:1"))) == set(NAMES)
    other = Choice(images=images("registry.example.com/mine:2"))
    assert changed(recipe, Choice(images=images("registry.example.com/mine:1")), other) == set(NAMES)


@pytest.mark.parametrize("content", ["mine:1", "mine@sha256:" + "0f" * 32])
def test_an_image_that_moved_to_another_registry_makes_nothing_anew(recipe: Recipe, content: str) -> None:
    one = Choice(images=images(f"registry.example.com/{content}"))
    for place in ("localhost:5000", "123456789012.dkr.ecr.us-west-2.amazonaws.com/team/mirror"):
        assert changed(recipe, Choice(images=images(f"{place}/{content}")), one) == set()


def test_images_of_other_names_change_nothing(recipe: Recipe) -> None:
    assert changed(recipe, Choice(images={"run": "registry.example.com/python:3.13"})) == set()
    assert changed(recipe, Choice(images={})) == set()


def test_on_this_machine_there_is_no_image_to_take_the_place_of(recipe: Recipe) -> None:
    assert changed(recipe, Choice(images=images("registry.example.com/mine:1")), fleet=None) == set()


# an earlier training


def test_an_earlier_training_makes_training_and_what_follows_anew_and_nothing_before(recipe: Recipe) -> None:
    assert changed(recipe, Choice(resume_from=EARLIER)) == FROM_TRAIN
    assert changed(recipe, Choice(resume_from=EARLIER), fleet=None) == FROM_TRAIN


def test_another_earlier_training_is_another_one(recipe: Recipe) -> None:
    one, other = Choice(resume_from=EARLIER), Choice(resume_from=Earlier("train", "9876543210"))
    assert changed(recipe, one, other) == FROM_TRAIN
    assert changed(recipe, one, Choice(resume_from=Earlier("train", "0123456789"))) == set()


def test_only_the_step_that_is_named_begins_from_it(recipe: Recipe) -> None:
    begins = {step.name: step.arguments.get(RESUME_FROM) for step in run(recipe, Choice(resume_from=EARLIER)).steps}
    assert begins == {**dict.fromkeys(NAMES), "train": EARLIER}


def test_an_earlier_training_is_not_waited_for(recipe: Recipe) -> None:
    """It is no step of this run."""
    plain, resumed = run(recipe), run(recipe, Choice(resume_from=EARLIER))
    assert [step.needs for step in resumed.steps] == [step.needs for step in plain.steps]


def test_a_step_that_leaves_no_checkpoints_begins_from_nothing(recipe: Recipe) -> None:
    assert changed(recipe, Choice(resume_from=Earlier("prepare", "0123456789"))) == set()


# the range of steps


@pytest.mark.parametrize(
    ("first", "last", "chosen"),
    [
        (None, None, NAMES),
        ("prepare", "keep", NAMES),
        ("train", None, NAMES[2:]),
        (None, "train", NAMES[:3]),
        ("train", "consolidate", NAMES[2:4]),
        ("train", "train", ["train"]),
    ],
)
def test_the_steps_from_the_first_to_the_last_are_chosen(
    recipe: Recipe, first: str | None, last: str | None, chosen: list[str]
) -> None:
    assert names(run(recipe, Choice(first=first, last=last))) == chosen


def test_what_is_left_out_keeps_its_place_and_changes_no_hash(recipe: Recipe) -> None:
    """A step that is chosen reads the folders of those that are not."""
    part = run(recipe, Choice(first="train", last="train"))
    assert [step.name for step in part.steps] == NAMES
    assert changed(recipe, Choice(first="train", last="train")) == set()


@pytest.mark.parametrize("choice", [Choice(first="base"), Choice(last="deploy")])
def test_a_step_that_the_recipe_lacks_is_refused(recipe: Recipe, choice: Choice) -> None:
    with pytest.raises(KeyError):
        run(recipe, choice)


def test_without_a_choice_all_is_carried_out_as_the_recipe_says(recipe: Recipe) -> None:
    parameters = recipe.parameters()
    assert run(recipe).steps == run(recipe).chosen == recipe.whole(recipe.steps(parameters, FLEET))
    assert run(recipe, Choice()) == run(recipe)
