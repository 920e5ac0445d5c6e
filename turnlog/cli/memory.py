"""memory: what is known in a project, from all its sessions."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json, Reason
from .output import note, write, write_json
from .owners import OfSession, Owner, Project, owner

if TYPE_CHECKING:
    from turnlog.domain import Fact
    from turnlog.front import Turnlog
    from turnlog.runtime.memory.facts import ProjectMemory

FactId = Annotated[str, typer.Argument(metavar="FACT", help="The fact: its id, such as mem_0f3a9c1b2d4e5f60.")]


def list_(
    pinned: Annotated[bool, typer.Option("--pinned", help="Only what is pinned.")] = False,
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """List what is known, oldest first.

    Example: turnlog memory list --project shop
    """
    whose = owner(project, session)

    async def work(log: "Turnlog") -> None:
        found = [fact for fact in await (await _memory(log, whose)).list() if fact.pinned or not pinned]
        _show(found, as_json=as_json, otherwise="nothing is known; `turnlog memory store` tells something")

    with_log(database, work)


def search(
    text: Annotated[list[str], typer.Argument(metavar="WORDS", help="Words that the facts may contain.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 10,
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Find facts by their words, the best first.

    Example: turnlog memory search login timeout --project shop
    """
    whose = owner(project, session)

    async def work(log: "Turnlog") -> None:
        found = await (await _memory(log, whose)).search(" ".join(text), limit)
        _show([hit.fact for hit in found], as_json=as_json, otherwise="nothing is known about that")

    with_log(database, work)


def store(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The fact, in a sentence or two.")],
    pin_: Annotated[bool, typer.Option("--pin", help="Have it in front of every session that recalls.")] = False,
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Store a fact for later sessions.

    Example: turnlog memory store "Staging is rebuilt at night." --project shop
    """
    whose = owner(project, session)

    async def work(log: "Turnlog") -> None:
        fact = await (await _memory(log, whose)).store(text, pinned=pin_)
        _show([fact], as_json=as_json)

    with_log(database, work)


def pin(
    fact: FactId,
    off: Annotated[bool, typer.Option("--off", help="Take it off again.")] = False,
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Have a fact in front of every session that recalls.

    Example: turnlog memory pin mem_0f3a9c1b2d4e5f60 --project shop
    """
    whose = owner(project, session)

    async def work(log: "Turnlog") -> None:
        memory = await _memory(log, whose)
        _show([await (memory.unpin if off else memory.pin)(fact)], as_json=as_json)

    with_log(database, work)


def forget(  # noqa: PLR0913 - the options of a command
    fact: Annotated[str | None, typer.Argument(metavar="[FACT]", help="The fact: its id.")] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source", metavar="ID", autocompletion=session_ids, help="All that came, and would come, from a session."
        ),
    ] = None,
    reason: Reason = "",
    project: Project = None,
    session: OfSession = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Forget a fact, or everything a session told; the log keeps that it was known.

    Example: turnlog memory forget --source 019b8d36 --reason "a test" --project shop
    """
    if (fact is None) == (source is None):
        raise typer.BadParameter("name a fact, or a session with --source", param_hint="FACT")
    whose = owner(project, session)

    async def work(log: "Turnlog") -> None:
        memory = await _memory(log, whose)
        if source is not None:
            whole = await log.find_session(source)
            await memory.forget_session(whole, reason)
            forgotten = whole
        else:
            await memory.forget(fact or "", reason)
            forgotten = fact or ""
        if as_json:
            write_json({"forgotten": forgotten})
        else:
            note(f"forgotten: {forgotten}")

    with_log(database, work)


async def _memory(log: "Turnlog", whose: Owner) -> "ProjectMemory":
    handle = await whose.handle(log)
    return log.memory(whose.project) if handle is None else await handle.memory()


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
