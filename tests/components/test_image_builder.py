"""Who builds images may push to the stack's repositories, and to no other."""

from pulumi_kubernetes import core

from components.image_builder import PUSH, ImageBuilder, ImageBuilderArgs, rights
from stacks.recorder import Recording
from tests.components.policies import statements
from tests.components.recorded import only, recorded, waits_for

OWN = "arn:aws:ecr:us-west-2:123456789012:repository/own"
BASE = "arn:aws:ecr:us-west-2:763104351884:repository/base"


def built() -> Recording:
    def program() -> None:
        builder = ImageBuilder("builder", ImageBuilderArgs(cluster_name="yard", namespace="place", push=[OWN]))
        core.v1.Pod("build", spec={"service_account_name": builder.account, "containers": [{"name": "x"}]})

    return recorded(program)


def test_only_the_login_is_not_held_to_a_repository() -> None:
    wide = [one for one in statements(rights([OWN], [BASE])) if "*" in one["Resource"]]
    assert [one["Action"] for one in wide] == [["ecr:GetAuthorizationToken"]]


def test_it_pushes_to_its_own_and_pulls_from_others() -> None:
    _, push, pull = statements(rights([OWN], [BASE]))
    assert push["Resource"] == [OWN]
    assert set(push["Action"]) == set(PUSH)
    assert pull["Resource"] == [BASE]
    assert "ecr:PutImage" not in pull["Action"]


def test_without_others_to_pull_from_there_is_no_such_right() -> None:
    assert len(statements(rights([OWN], []))) == 2


def test_nothing_lets_it_delete_or_change_what_was_pushed() -> None:
    every = {action for one in statements(rights([OWN], [BASE])) for action in one["Action"]}
    assert not {one for one in every if "Delete" in one or "Policy" in one or "*" in one}


def test_its_pods_start_once_they_get_credentials() -> None:
    recording = built()
    assert waits_for(recording, "build") >= {
        "builder-account",
        "builder-identity-association",
        "builder-identity-images",
    }
    association = only(recording, "PodIdentityAssociation").inputs
    account = only(recording, "ServiceAccount").inputs["metadata"]
    assert (
        association["serviceAccount"] == account["name"] == only(recording, "Pod").inputs["spec"]["serviceAccountName"]
    )
    assert association["namespace"] == account["namespace"] == "place"
