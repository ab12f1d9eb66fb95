"""ECR repositories, with the images that the stack built."""

from .. import prices
from ..aws.account import Account
from ..aws.owner import Owner
from .leftover import Leftover
from .tagged import owned


def repositories(account: Account, owner: Owner) -> list[Leftover]:
    found = account.all("ecr", "describe_repositories", "repositories")
    arns = {one["repositoryName"]: one["repositoryArn"] for one in found}
    return [_left(account, name) for name in owned(account, owner, "ecr", "resourceArn", arns)]


def _left(account: Account, name: str) -> Leftover:
    """Its size is that of all its images, as if none shared a layer."""
    images = account.all("ecr", "describe_images", "imageDetails", repositoryName=name)
    gigabytes = sum(one.get("imageSizeInBytes", 0) for one in images) / 1e9
    daily = gigabytes * prices.IMAGE_GB_MONTH.dollars / prices.HOURS_A_MONTH * 24
    command = account.command("ecr", "delete-repository", "--force", "--repository-name", name)
    return Leftover("image repository", name, f"{gigabytes:.1f} GB", daily, command)
