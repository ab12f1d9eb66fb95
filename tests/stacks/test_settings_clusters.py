"""Settings of a run in a cluster: what is missing, unknown or of a wrong form is told before anything is made."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import yaml

from stacks.config import RawConfig
from stacks.mistakes import SettingsError
from stacks.rules import OPERATORS
from stacks.settings import Settings, read
from tests.conftest import PROJECT
from workloads.recipes.images import NEURON_TRAINING as IMAGE
from workloads.recipes.step import Earlier

Config = Callable[..., RawConfig]

OWN = "registry.example.com/team/training:1"
PLACE = {"claim": "shared", "namespace": "team"}


def mistakes(raw: RawConfig) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read(raw)
    told = [str(mistake) for mistake in error.value.mistakes]
    assert not [line for line in told if "\n" in line]
    return told


def only(raw: RawConfig) -> str:
    (mistake,) = mistakes(raw)
    return mistake


@pytest.fixture
def own(config: Config) -> Config:
    """A config without mistakes for a cluster of the user's own; keywords change it."""

    def make(**changes: Any) -> RawConfig:
        return config(**{"platform": "existing", "existing": PLACE, "images": {IMAGE.name: OWN}, **changes})

    return make


def test_a_cluster_of_ones_own_needs_a_claim_with_its_namespace_and_the_image(own: Config) -> None:
    settings = read(own())
    assert (settings.existing.claim, settings.existing.namespace) == ("shared", "team")
    assert settings.images == {IMAGE.name: OWN}
    assert settings.ignored == ()


# where results go


def test_a_class_to_make_a_claim_of_takes_the_claims_place(own: Config) -> None:
    assert read(own(existing={"storageClass": "efs"})).existing.storage == "1200Gi"
    assert read(own(existing={"storageClass": "efs", "namespace": "team", "storage": "2Ti"})).existing.storage == "2Ti"


@pytest.mark.parametrize("existing", [{}, {"namespace": "team"}])
def test_neither_a_claim_nor_a_class_is_told_with_both(own: Config, existing: dict[str, str]) -> None:
    told = only(own(existing=existing))
    assert told.startswith("trainyard:existing.claim: is missing. Name a ReadWriteMany claim that is there")
    assert "existing.storageClass" in told


@pytest.mark.parametrize("namespace", [{}, {"namespace": "team"}])
def test_a_claim_and_a_class_are_told_to_choose_from(own: Config, namespace: dict[str, str]) -> None:
    told = only(own(existing={"claim": "shared", "storageClass": "efs", **namespace}))
    assert told.startswith("trainyard:existing.claim: and existing.storageClass are both given.")
    assert "Name a claim, or the class to make one of." in told


def test_a_claim_is_asked_for_its_namespace(own: Config) -> None:
    told = only(own(existing={"claim": "shared"}))
    assert told == "trainyard:existing.namespace: is missing: in which namespace is the claim shared?"


def test_other_platforms_need_no_claim(config: Config) -> None:
    for platform in ("eks", "local"):
        assert isinstance(read(config(platform=platform)), Settings)


@pytest.mark.parametrize(
    ("existing", "said"),
    [
        (
            {"claim": "Shared"},
            'existing.claim: "Shared" is not allowed: a name has lower-case letters, digits and hyph',
        ),
        ({"claim": "a" * 64}, "63 at most."),
        ({"claim": ""}, 'trainyard:existing.claim: "" is not allowed: a name has'),
        ({"namespace": "team-"}, 'trainyard:existing.namespace: "team-" is not allowed: a name has'),
        ({"namespace": 7}, "trainyard:existing.namespace: 7 is not a text."),
        ({"storage": "1200"}, 'trainyard:existing.storage: "1200" is not allowed: a size is a number with Gi or Ti'),
        ({"storage": "0Gi"}, 'trainyard:existing.storage: "0Gi" is not allowed: a size is'),
        ({"operators": "kuberay"}, 'trainyard:existing.operators: "kuberay" is not a list.'),
        ({"operators": ["helm"]}, "trainyard:existing.operators[0]: \"helm\" is not allowed. Allowed: 'kuberay', "),
        ({"kubeConfig": "x"}, "trainyard:existing.kubeConfig: unknown key. Did you mean 'kubeconfig'?"),
        ({"trainium": {"labels": {}}}, "trainyard:existing.trainium.labels: unknown key."),
        ({"trainium": {"selector": ["a"]}}, 'trainyard:existing.trainium.selector: ["a"] is not a group of keys.'),
        (
            {"processors": {"tolerations": [{"operator": "In"}]}},
            "trainyard:existing.processors.tolerations[0].operator: \"In\" is not allowed. Allowed: 'Exists', 'Equal'.",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_wrong_value_is_told_with_its_key_and_its_form(own: Config, existing: dict[str, Any], said: str) -> None:
    assert said in only(own(existing={**PLACE, **existing}))


def test_a_toleration_says_what_was_written_and_no_more(own: Config) -> None:
    """What it leaves out is Kubernetes' to fill in: a key with a value means `Equal`."""
    written = {"key": "team", "value": "ours", "effect": "NoSchedule"}
    (read_back,) = read(own(existing={**PLACE, "trainium": {"tolerations": [written]}})).existing.trainium.tolerations
    assert read_back.model_dump(exclude_none=True) == written


def test_an_operator_that_launches_a_step_must_be_installed(own: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATORS, "job", ("kuberay",))
    assert "trainyard:existing.operators: lacks kuberay, which launches the step prepare." in mistakes(own())[0]
    assert isinstance(read(own(existing={**PLACE, "operators": ["kuberay"]})), Settings)


# images


def test_the_images_that_must_be_built_are_asked_for_with_what_is_in_them(own: Config) -> None:
    told = only(own(images={}))
    assert told.startswith(f"trainyard:images.{IMAGE.name}: is missing: the recipe needs {IMAGE.base} with ")
    for package in IMAGE.packages:
        assert package in told
    assert "push it where the cluster can pull it, and name it here." in told


def test_on_eks_they_are_built(config: Config) -> None:
    assert read(config()).images == {}


def test_an_image_that_the_recipe_does_not_know_is_told_with_those_that_it_does(own: Config, config: Config) -> None:
    said = f"unknown image. Did you mean '{IMAGE.name}'? Allowed: {IMAGE.name}, run."
    assert f"trainyard:images.neuron-trainin: {said}" in mistakes(own(images={"neuron-trainin": OWN}))
    assert only(config(images={"neuron-trainin": OWN})) == f"trainyard:images.neuron-trainin: {said}"


def test_the_runs_own_image_may_be_named_too(own: Config, config: Config) -> None:
    assert read(own(images={IMAGE.name: OWN, "run": "mirror/python:3.13"})).images["run"] == "mirror/python:3.13"
    assert read(config(images={"run": "mirror/python:3.13"})).images == {"run": "mirror/python:3.13"}


@pytest.mark.parametrize("reference", ["", "  ", "my image:1"])
def test_an_image_that_names_nothing_is_told(own: Config, reference: str) -> None:
    told = only(own(images={IMAGE.name: reference}))
    assert told.startswith(f'trainyard:images.{IMAGE.name}: "{reference}" is not allowed: name an image as registry/')


# waiting


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("90m", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)),
        ("1.5h", timedelta(minutes=90)),
        ("1d", timedelta(days=1)),
    ],
)
def test_a_time_is_a_number_with_its_unit(config: Config, text: str, time: timedelta) -> None:
    assert read(config(capacityTimeout=text)).capacity_timeout == time


@pytest.mark.parametrize(
    "text",
    ["", "2", 2, "2 h", "2H", "2s", "-2h", "0h", "0.0d", "h", "two hours", "1h30m", "9" * 20 + "d", [1], True],
    ids=str,
)
def test_what_is_no_time_is_told_with_what_is_one(config: Config, text: Any) -> None:
    told = only(config(capacityTimeout=text))
    assert told.startswith("trainyard:capacityTimeout: ")
    assert told.endswith(" is not allowed: a time is a number with m, h or d, as 90m, 2h or 1d.")


@pytest.mark.parametrize(("written", "wait"), [(False, False), ("false", False), (True, True), ("true", True)])
def test_whether_to_wait_may_come_as_the_engine_writes_it(config: Config, written: Any, wait: bool) -> None:
    assert read(config(wait=written)).wait is wait


def test_what_neither_waits_nor_not_is_told(config: Config) -> None:
    assert only(config(wait="perhaps")) == 'trainyard:wait: "perhaps" is not true or false.'


def test_whether_to_keep_results_is_a_yes_or_no(config: Config) -> None:
    assert read(config()).results.keep
    assert not read(config(results={"keep": "false"})).results.keep
    assert only(config(results={"keep": "some"})) == 'trainyard:results.keep: "some" is not true or false.'
    assert "trainyard:results.kept: unknown key. Did you mean 'keep'?" in only(config(results={"kept": True}))


@pytest.mark.parametrize("target", ["/shared/results", "/shared/team/kept", "s3://our-results", "s3://our-results/a/b"])
def test_results_of_a_cluster_of_ones_own_go_to_a_folder_of_the_volume_or_to_s3(own: Config, target: str) -> None:
    assert read(own(results={"target": target})).results.target == target


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("results", "is no place for results. Allowed: a folder below /shared, or s3://bucket/prefix."),
        ("/data/results", "is no place for results"),
        ("/shared", "is no place for results"),
        ("/shared/../etc", "is no place for results"),
        ("/shared/runs/kept", "lies where steps write"),
        ("s3://A", "is no place in S3"),
        ("s3:/bucket", "is no place in S3"),
    ],
)
def test_a_place_that_cannot_hold_results_is_told(own: Config, target: str, said: str) -> None:
    told = only(own(results={"target": target}))
    assert told.startswith(f"trainyard:results.target: '{target}' ")
    assert said in told


def test_a_service_account_is_one_of_a_namespace_that_is_there(own: Config) -> None:
    assert read(own(results={"serviceAccount": "trainer"})).results.service_account == "trainer"
    told = only(own(existing={"storageClass": "efs"}, results={"serviceAccount": "trainer"}))
    assert told == "trainyard:existing.namespace: is missing: in which namespace is the service account trainer?"


def test_where_results_go_is_told_off_by_the_key_of_another_platform(config: Config, own: Config) -> None:
    assert "On existing set results.target" in only(own(results={"bucket": "earlier"}))
    eks = {"cluster": {"publicAccessCidrs": ["198.51.100.7/32"]}}
    for given in ({"target": "s3://our-results"}, {"serviceAccount": "trainer"}):
        assert "On eks name a bucket: results.bucket." in only(config(platform="eks", results=given, **eks))


# an earlier training


@pytest.mark.parametrize("platform", ["eks", "local"])
def test_an_earlier_training_is_named_by_its_folder(config: Config, platform: str) -> None:
    assert read(config(platform=platform)).resume_from is None
    settings = read(config(platform=platform, resumeFrom="train-0123456789"))
    assert settings.resume_from == Earlier("train", "0123456789")
    assert settings.ignored == ()


@pytest.mark.parametrize(
    "text",
    [
        "train",
        "train-",
        "train-012345678",
        "train-01234567890",
        "train-012345678g",
        "train-ABCDEF0123",
        "train-0123456789/",
        " train-0123456789",
        "0123456789",
        "/shared/runs/llama3-8b-text-to-sql/train-0123456789",
    ],
)
def test_what_is_no_folder_of_a_step_is_told_with_what_is_one(config: Config, text: str) -> None:
    told = only(config(resumeFrom=text))
    assert told.startswith("trainyard:resumeFrom: ")
    assert told.endswith(" is not allowed: name a step's folder below /shared/runs, as train-0123456789.")


@pytest.mark.parametrize("step", ["prepare", "consolidate", "trian"])
def test_a_step_that_leaves_no_checkpoints_is_told_with_those_that_do(config: Config, step: str) -> None:
    assert only(config(resumeFrom=f"{step}-0123456789")) == (
        f"trainyard:resumeFrom: '{step}' is no step of llama3-8b-text-to-sql that leaves checkpoints. Allowed: train."
    )


# keys without effect


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("wait", False),
        ("wait", "false"),
        ("capacityTimeout", "1h"),
        ("results", {"keep": False}),
        ("images", {IMAGE.name: OWN}),
        ("images", {"whatever": OWN}),
        ("existing", PLACE),
    ],
    ids=str,
)
def test_what_only_a_cluster_makes_use_of_is_pointed_out_on_this_machine(config: Config, key: str, value: Any) -> None:
    """And is no mistake there: one switches a stack to this machine and back."""
    (told,) = read(config(platform="local", **{key: value})).ignored
    assert str(told) == f"trainyard:{key}: has no effect on the platform local."


def test_what_only_a_cluster_of_ones_own_makes_use_of_is_pointed_out_on_eks(config: Config) -> None:
    (told,) = read(config(existing={"namespace": "team"})).ignored
    assert str(told) == "trainyard:existing: has no effect on the platform eks."
    assert read(config(wait=False, capacityTimeout="1h", images={"run": "x"}, results={"keep": False})).ignored == ()


@pytest.mark.parametrize("platform", ["eks", "local"])
def test_defaults_that_the_engine_hands_over_are_not_taken_for_keys_that_were_given(platform: str) -> None:
    """The Pulumi CLI adds every default of Pulumi.yaml to the config that a program gets."""
    declared = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    given = {
        key.removeprefix("trainyard:"): {} if one["default"] == {} else str(one["default"])
        for key, one in declared.items()
    }
    given["wait"] = str(given["wait"]).lower()
    settings = read(RawConfig({**given, "platform": platform}))
    assert settings.ignored == ()
    assert settings == read(RawConfig({"platform": platform}))


# rules and wrong keys together


def test_mistakes_of_a_cluster_are_told_all_together(own: Config) -> None:
    told = mistakes(
        own(
            existing={"namespace": "team"}, images={"neuron": OWN}, wait="maybe", capacityTimeout="soon", resumeFrom="x"
        )
    )
    assert {line.split(":")[1] for line in told} == {
        "existing.claim",
        "images.neuron",
        f"images.{IMAGE.name}",
        "wait",
        "capacityTimeout",
        "resumeFrom",
    }


def test_a_mistaken_claim_is_not_called_missing(own: Config) -> None:
    assert only(own(existing={"claim": "Shared"})).startswith('trainyard:existing.claim: "Shared" is not allowed')


def test_with_mistaken_parameters_no_image_is_asked_for_yet(own: Config) -> None:
    """Which it needs may hang on them."""
    assert only(own(images={}, parameters={"max_steps": 0})).startswith("trainyard:parameters.max_steps")
