"""The steps' service account: the results bucket, and nothing else."""

import json

import pulumi

from components.results import use
from components.step_account import NAME, StepAccount, StepAccountArgs

from .recorded import only, recorded, waits_for


def program() -> None:
    args = StepAccountArgs(cluster_name="yard", namespace="team", namespace_name="team", bucket_arn="arn:aws:s3:::kept")
    made = StepAccount("steps", args)
    pulumi.CustomResource("test:index:User", "step", {"account": made.account})


def test_it_may_list_the_bucket_and_use_what_is_in_it_and_may_not_delete_old_versions() -> None:
    list_, objects = json.loads(only(recorded(program), "RolePolicy").inputs["policy"])["Statement"]
    assert (list_["Action"], list_["Resource"]) == ("s3:ListBucket", "arn:aws:s3:::kept")
    assert objects["Resource"] == "arn:aws:s3:::kept/*"
    assert set(objects["Action"]) == {
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
    }
    assert "*" not in use("arn:aws:s3:::kept").replace("kept/*", "")


def test_its_pods_get_no_token_of_the_cluster() -> None:
    made = recorded(program)
    assert only(made, "ServiceAccount").inputs["automountServiceAccountToken"] is False
    assert only(made, "ServiceAccount").inputs["metadata"]["name"] == NAME
    assert not [one for one in made.resources if "Role" in one.type and one.type.startswith("kubernetes:")]


def test_no_step_starts_before_it_gets_its_rights() -> None:
    assert {"steps-identity-association", "steps-identity-results", "steps-rights-account"} <= waits_for(
        recorded(program), "step"
    )
