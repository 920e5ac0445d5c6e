"""memory: what is known in a project, from all its sessions."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .opening import session_ids
from .options import Reason
from .output import note, write, write_json
from .owners import Owned, Owner, with_owned

if TYPE_CHECKING:
    from turnlog.domain import Fact
    from turnlog.front import Turnlog
    from turnlog.runtime.memory.facts import ProjectMemory

FactId = Annotated[str, typer.Argument(metavar="FACT", help="The fact: its id, such as mem_0f3a9c1b2d4e5f60.")]


async def _found(log: "Turnlog", whose: Owner) -> "ProjectMemory":
    handle = await whose.handle(log)
    return log.memory(whose.project) if handle is None else await handle.memory()


@with_owned(_found)
async def list_(
    known: "Owned[ProjectMemory]",
    pinned: Annotated[bool, typer.Option("--pinned", help="Only what is pinned.")] = False,
) -> None:
    """List what is known, oldest first.

    Example: turnlog memory list --project shop
    """
    found = [fact for fact in await known.it.list() if fact.pinned or not pinned]
    _show(found, as_json=known.as_json, otherwise="nothing is known; `turnlog memory store` tells something")


@with_owned(_found)
async def search(
    known: "Owned[ProjectMemory]",
    text: Annotated[list[str], typer.Argument(metavar="WORDS", help="Words that the facts may contain.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 10,
) -> None:
    """Find facts by their words, the best first.

    Example: turnlog memory search login timeout --project shop
    """
    found = await known.it.search(" ".join(text), limit)
    _show([hit.fact for hit in found], as_json=known.as_json, otherwise="nothing is known about that")


@with_owned(_found)
async def store(
    known: "Owned[ProjectMemory]",
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The fact, in a sentence or two.")],
    pin_: Annotated[bool, typer.Option("--pin", help="Have it in front of every session that recalls.")] = False,
) -> None:
    """Store a fact for later sessions.

    Example: turnlog memory store "Staging is rebuilt at night." --project shop
    """
    fact = await known.it.store(text, pinned=pin_)
    _show([fact], as_json=known.as_json)


@with_owned(_found)
async def pin(
    known: "Owned[ProjectMemory]",
    fact: FactId,
    off: Annotated[bool, typer.Option("--off", help="Take it off again.")] = False,
) -> None:
    """Have a fact in front of every session that recalls.

    Example: turnlog memory pin mem_0f3a9c1b2d4e5f60 --project shop
    """
    _show([await (known.it.unpin if off else known.it.pin)(fact)], as_json=known.as_json)


def _one_to_forget(fact: str | None = None, source: str | None = None, **_: object) -> None:
    if (fact is None) == (source is None):
        raise typer.BadParameter("name a fact, or a session with --source", param_hint="FACT")


@with_owned(_found, check=_one_to_forget)
async def forget(
    known: "Owned[ProjectMemory]",
    fact: Annotated[str | None, typer.Argument(metavar="[FACT]", help="The fact: its id.")] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source", metavar="ID", autocompletion=session_ids, help="All that came, and would come, from a session."
        ),
    ] = None,
    reason: Reason = "",
) -> None:
    """Forget a fact, or everything a session told; the log keeps that it was known.

    Example: turnlog memory forget --source 019b8d36 --reason "a test" --project shop
    """
    forgotten = fact or ""
    if source is not None:
        forgotten = await known.log.find_session(source)
        await known.it.forget_session(forgotten, reason)
    else:
        await known.it.forget(forgotten, reason)
    if known.as_json:
        write_json({"forgotten": forgotten})
    else:
        note(f"forgotten: {forgotten}")


def _show(facts: "list[Fact]", *, as_json: bool, otherwise: str = "") -> None:
    for fact in facts:
        if as_json:
            write_json(_document(fact))
        else:
            write(*_line(fact))
    if not facts and not as_json:
        note(otherwise)


def _document(fact: "Fact") -> dict[str, Any]:
    from .records import plain

    found: dict[str, Any] = plain(fact)
    return {**found, "pinned": fact.pinned}


def _line(fact: "Fact") -> tuple[str | tuple[str, str], ...]:
    from turnlog.projections import one_line

    from .text import safe_line

    source = f"{fact.session_id}@{fact.version or '?'}" if fact.session_id else str(fact.actor)
    return f"{fact.memory_id}  {'* ' if fact.pinned else ''}{one_line(fact.text, 2_000)}", (
        f"  {safe_line(source)}",
        "quiet",
    )
