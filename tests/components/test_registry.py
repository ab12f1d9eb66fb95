"""Images' repositories: nothing moves a tag, nothing is stored in clear, nothing is kept for ever."""

import pulumi

from components.registry import Registry, RegistryArgs, lifecycle_policy
from stacks.recorder import Recording
from tests.components.recorded import all_of, only, recorded


def built(kms_key: str | None = None) -> Recording:
    def program() -> None:
        registry = Registry("registry", RegistryArgs(repositories=["training", "tools"], kms_key=kms_key))
        pulumi.export("urls", dict(registry.urls))
        pulumi.export("arns", dict(registry.arns))

    return recorded(program)


def test_each_name_has_a_repository_whose_tags_stay_and_whose_images_are_scanned() -> None:
    made = all_of(built(), "Repository")
    assert {one.name for one in made} == {"registry-training", "registry-tools"}
    for one in made:
        assert one.inputs["imageTagMutability"] == "IMMUTABLE"
        assert one.inputs["imageScanningConfiguration"] == {"scanOnPush": True}


def test_images_are_encrypted_with_the_key_that_was_named_or_with_aes() -> None:
    for one in all_of(built(), "Repository"):
        assert one.inputs["encryptionConfigurations"] == [{"encryptionType": "AES256"}]
    for one in all_of(built(kms_key="arn:key"), "Repository"):
        assert one.inputs["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": "arn:key"}]


def test_a_destroy_is_not_held_up_by_images_that_can_be_built_again() -> None:
    assert all(one.inputs["forceDelete"] is True for one in all_of(built(), "Repository"))


def test_every_repository_has_a_lifecycle_policy() -> None:
    recording = built()
    assert len(all_of(recording, "LifecyclePolicy")) == 2
    assert only(recording, "LifecyclePolicy", "registry-tools-lifecycle").depends_on


def test_pushes_that_broke_off_go_and_only_the_newest_images_stay() -> None:
    untagged, oldest = lifecycle_policy(7)["rules"]
    assert untagged["selection"]["tagStatus"] == "untagged"
    assert oldest["selection"] == {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 7}
    # ECR takes a rule for any image only as the last one
    assert untagged["rulePriority"] < oldest["rulePriority"]


def test_urls_and_arns_are_told_by_name() -> None:
    assert set(built().outputs["urls"]) == set(built().outputs["arns"]) == {"training", "tools"}
