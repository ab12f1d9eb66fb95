"""ECR repositories for the images that a stack builds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

UNTAGGED_DAYS = 1
"""Layers of a push that was broken off are of no use to anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryArgs:
    repositories: Sequence[str]
    """Names by which the stack's images are known; in ECR each has an ending of its own."""
    kept_images: int = 10
    """How many images a repository holds at most; the oldest go."""
    kms_key: pulumi.Input[str] | None = None
    """Key to encrypt images with; None: AES-256 with a key of S3's own."""


class Registry(pulumi.ComponentResource):
    """A private ECR repository for each name. Its tags cannot be moved, and every image is scanned when pushed.

    Idle it costs USD 0.10 a GB-month of images (AWS's price list for ECR, us-east-2 and eu-west-1, read 2026-11-21).
    Deleting it deletes the images with it: they can be built again.
    """

    urls: Mapping[str, pulumi.Output[str]]
    """What comes before the colon of an image's reference, by repository."""
    arns: Mapping[str, pulumi.Output[str]]

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Registry", name, {}, opts)
        made = {one: self._repository(f"{name}-{one}", args) for one in args.repositories}
        self.urls = {one: repository.repository_url for one, repository in made.items()}
        self.arns = {one: repository.arn for one, repository in made.items()}
        self.register_outputs({"urls": dict(self.urls), "arns": dict(self.arns)})

    def _repository(self, name: str, args: RegistryArgs) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[_encryption(args.kms_key)],
            force_delete=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.ecr.LifecyclePolicy(
            f"{name}-lifecycle",
            repository=repository.name,
            policy=json.dumps(lifecycle_policy(args.kept_images), sort_keys=True),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return repository


def _encryption(key: pulumi.Input[str] | None) -> aws.ecr.RepositoryEncryptionConfigurationArgs:
    if key is None:
        return aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")
    return aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=key)


def lifecycle_policy(kept_images: int) -> dict[str, Any]:
    """Untagged images go after a day, of the others the newest `kept_images` stay."""
    untagged = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": UNTAGGED_DAYS,
    }
    oldest = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": kept_images}
    rules = [("pushes that were broken off", untagged), ("the oldest images", oldest)]
    return {
        "rules": [
            {"rulePriority": number, "description": what, "selection": which, "action": {"type": "expire"}}
            for number, (what, which) in enumerate(rules, 1)
        ]
    }
