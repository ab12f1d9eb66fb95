"""Models and tokenizers, by their name on the Hugging Face Hub or from a folder; a refusal in words that help."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .errors import UserError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

T = TypeVar("T")


@contextmanager
def refusals_explained(name: str) -> Iterator[None]:
    """Turns what the Hub's client raises for `name` into a UserError that says what to do."""
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        yield
    except OSError as error:  # transformers wraps the client's errors, and all of them are OSErrors
        causes = [error, error.__cause__, error.__context__]
        if any(isinstance(cause, GatedRepoError) for cause in causes):
            raise UserError(
                f"{name} is gated. Accept its licence at https://huggingface.co/{name} and give the token of that "
                "account: `pulumi config set --secret trainyard:hfToken`, or HF_TOKEN for a program by itself."
            ) from None
        if any(isinstance(cause, RepositoryNotFoundError) for cause in causes):
            raise UserError(
                f"{name}: the Hugging Face Hub has no such repository, or the token may not see it."
            ) from None
        if Path(name).is_dir() or any(isinstance(cause, HfHubHTTPError) for cause in causes):
            raise UserError(f"{name} cannot be loaded: {error}") from None
        raise UserError(f"{name} is neither a folder here nor to be had from the Hugging Face Hub: {error}") from None


def load(name: str, loader: Callable[..., T], **options: Any) -> T:
    with refusals_explained(name):
        return loader(name, **options)


def dtype(precision: Literal["bf16", "fp32"]) -> "torch.dtype":
    import torch

    return {"bf16": torch.bfloat16, "fp32": torch.float32}[precision]


def load_model(name: str, revision: str, precision: Literal["bf16", "fp32"]) -> "PreTrainedModel":
    """The language model `name` on the processor. It takes its size in memory: 16 GB for 8 billion weights in bf16."""
    from transformers import AutoModelForCausalLM

    return load(name, AutoModelForCausalLM.from_pretrained, revision=revision, dtype=dtype(precision))


def make_model(folder: str, precision: Literal["bf16", "fp32"]) -> "PreTrainedModel":
    """A model of the config in `folder`, with whatever weights its class begins with."""
    from transformers import AutoConfig, AutoModelForCausalLM

    return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=dtype(precision))


def load_tokenizer(name: str, revision: str = "main") -> Any:
    """The tokenizer `name`, able to pad on the left (as generation needs)."""
    from transformers import AutoTokenizer

    tokenizer = load(name, AutoTokenizer.from_pretrained, revision=revision)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
