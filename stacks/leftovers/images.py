"""ECR repositories, with the images that the stack built."""

from .. import prices
from ..aws.account import Account
from ..aws.owner import Owner
from ..aws.trouble import Trouble
from .leftover import Leftover
from .tagged import tagged


def repositories(account: Account, owner: Owner) -> list[Leftover]:
    names = [arn.partition("repository/")[2] for arn in tagged(account, owner, "ecr:repository")]
    sizes = {name: size for name in names if (size := _bytes(account, name)) is not None}
    words = ("ecr", "delete-repository", "--force", "--repository-name")
    return [
        Leftover("image repository", name, f"{size / 1e9:.1f} GB", _daily(size), account.command(*words, name))
        for name, size in sizes.items()
    ]


def _daily(size: int) -> float:
    return size / 1e9 * prices.IMAGE_GB_MONTH.dollars / prices.HOURS_A_MONTH * 24


def _bytes(account: Account, name: str) -> int | None:
    """Of all its images, as if none shared a layer; None where it is gone."""
    try:
        images = account.all("ecr", "describe_images", "imageDetails", repositoryName=name)
    except Trouble as trouble:
        if "RepositoryNotFound" in trouble.code:
            return None
        raise
    return sum(one.get("imageSizeInBytes", 0) for one in images)
