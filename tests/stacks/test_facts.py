"""The facts for a run card are plain values, the right ones, and never a secret."""

import json
from typing import Any

import pytest

from stacks.config import RawConfig
from stacks.facts import ADAPTERS, EVERY_WEIGHT, facts
from stacks.program import run_of
from stacks.settings import read
from workloads.recipes.keeping import FACTS, KEEP

TOKEN = "hf_" + "a" * 30
EKS: dict[str, Any] = {"platform": "eks", "hfToken": TOKEN, "nodes": {"instanceType": "trn1.32xlarge", "count": 2}}


def made(values: dict[str, Any], images: dict[str, str] | None = None) -> dict[str, Any]:
    settings = read(RawConfig(values, frozenset({"hfToken"} & set(values))))
    return facts(run_of(settings), settings, images)


def step(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in found["steps"] if one["name"] == name)


def test_no_token_no_address_of_a_person_and_no_path_of_a_kubeconfig_is_in_them() -> None:
    guard = {"monthlyDollars": 100, "emails": ["me@example.org"]}
    existing = {"kubeconfig": "/home/me/.kube/secret", "claim": "shared", "namespace": "mine"}
    images = {"neuron-training": "registry.test/n:1"}
    cluster = {**EKS, "platform": "existing", "existing": existing, "images": images}
    for values in ({**EKS, "guard": guard}, cluster):
        text = json.dumps(made(values))
        for secret in (TOKEN, "me@example.org", "/home/me"):
            assert secret not in text


def test_the_last_step_of_a_run_is_handed_them() -> None:
    settings = read(RawConfig({"platform": "local"}, frozenset()))
    last = run_of(settings).steps[-1]
    assert last.name == KEEP
    assert json.loads(str(last.tuning[FACTS])) == facts(run_of(settings), settings)


def test_they_are_json_and_the_same_twice() -> None:
    for values in (EKS, {"platform": "local"}):
        assert json.loads(json.dumps(made(values))) == made(values)


def test_a_steps_price_and_peak_are_those_of_its_own_machine() -> None:
    found = made(EKS)
    train, prepare = step(found, "train"), step(found, "prepare")
    assert (train["nodes"], train["dollars_per_hour"], train["peak_tflops"]) == (2, 21.5, 16 * 190)
    assert prepare["peak_tflops"] is None
    assert 0 < prepare["dollars_per_hour"] < 3
    assert step(made({"platform": "local"}), "train")["dollars_per_hour"] == 0


def test_adapters_take_fewer_operations_than_training_every_weight() -> None:
    here = made({"platform": "local"})
    assert step(here, "base")["operations"] == EVERY_WEIGHT
    assert step(here, "train")["operations"] == ADAPTERS
    assert step(here, "test")["operations"] is None
    every = made({"platform": "local", "parameters": {"lora_rank": 1}})
    assert step(every, "train")["operations"] == ADAPTERS < EVERY_WEIGHT


def test_the_data_is_that_of_the_step_which_training_reads() -> None:
    assert made(EKS)["data"] == made({"platform": "local"})["data"] == "prepare"


@pytest.mark.parametrize("digest", ["sha256:" + "a" * 64, None])
def test_an_image_that_is_named_by_its_digest_is_told_so(digest: str | None) -> None:
    reference = f"registry.test/n@{digest}" if digest else "registry.test/n:1"
    image = made(EKS, {"neuron-training": reference})["images"]["neuron-training"]
    assert (image["reference"], image["digest"]) == (reference, digest)
    assert any(package.startswith("optimum-neuron") for package in image["packages"])


def test_parameters_are_those_that_the_run_has() -> None:
    assert made({"platform": "local", "parameters": {"max_steps": 70}})["parameters"]["max_steps"] == 70
