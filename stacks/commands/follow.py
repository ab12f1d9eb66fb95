"""`trainyard follow`: a run as it goes on, from anywhere; or a rehearsal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..config import PROJECT, from_file
from .errors import fail, told

if TYPE_CHECKING:
    from ..follow.loop import Source

FAILED = 1


def follow(
    *,
    stack: Annotated[str, typer.Option(help="Stack whose run to follow: Pulumi.<stack>.yaml says where.")] = "dev",
    namespace: Annotated[str | None, typer.Option(help="Namespace of the run, in place of the stack's.")] = None,
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig, in place of the stack's.")] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="Kubeconfig, in place of the stack's.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Follow the rehearsal in this folder instead.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Show how it stands now, and end.")] = False,
) -> None:
    """Show a run as it goes on: its steps, how far the current one is, and the last lines of its log.

    It only reads: ending it (Ctrl-C) ends nothing else. Exit status 0 when the run has ended well, or goes on; 1 when
    it has failed; 2 when it cannot be followed.
    """
    console = Console()
    try:
        with told():
            source = _folder(folder) if folder else _source(stack, namespace, context, kubeconfig)
            ok = _shown(source, console, once)
    except KeyboardInterrupt:
        console.print("No longer following; what was followed goes on.")
        return
    if ok is False:
        raise typer.Exit(FAILED)


def _shown(source: "Source", console: Console, once: bool) -> bool | None:
    """Shows until the end; how the run ended, None where it goes on."""
    from workloads.programs.run.api import RefusedError, UnreachableError

    from ..follow import loop, picture, show

    try:
        if once:
            one = picture.picture(source.look())
            console.print(show.frame(one, console.height))
        else:
            one = (loop.live if console.is_terminal else loop.lines)(source, console)
    except (UnreachableError, RefusedError) as error:
        raise fail(f"the cluster gives no answer to go by: {error}.") from None
    return one.verdict.ok


def _source(stack: str, namespace: str | None, context: str | None, kubeconfig: Path | None) -> "Source":
    from .. import names
    from ..settings import read

    settings = read(from_file(stack))
    if settings.platform == "local" and not (namespace or context or kubeconfig):
        return _folder(PROJECT / settings.local.folder)
    from ..follow.cluster import Cluster
    from ..follow.laptop import Laptop, Place

    return Cluster(
        Laptop(
            Place(
                namespace=namespace or names.namespace(settings, stack),
                kubeconfig=_expanded(kubeconfig or settings.existing.kubeconfig),
                context=context or (None if kubeconfig else names.context(settings, stack)),
            )
        )
    )


def _folder(shared: Path) -> "Source":
    from ..follow.folder import Folder

    return Folder(shared)


def _expanded(path: Path | str | None) -> str | None:
    return str(Path(path).expanduser()) if path else None
