"""search: where something was said."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .opening import must_exist, session_ids, with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, write, write_json
from .paging import NoPager, paged
from .short_ids import short_ids

if TYPE_CHECKING:
    from turnlog.front import Turnlog
    from turnlog.projections import Found, Phrase, TextKind

_TONES = {"user": "title", "model": "plain", "thinking": "quiet", "call": "ask", "result": "quiet", "notice": "bad"}


def search(  # noqa: PLR0913 - one parameter an option
    words: Annotated[
        list[str], typer.Argument(metavar="TEXT…", help="Words; begin* of words; '\"words side by side\"' in quotes.")
    ],
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", autocompletion=session_ids, help="Only in this session."),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Only what is a title, user, model, thinking, call, result or notice; may be repeated.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 20,
    no_pager: NoPager = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Find where all these words were said, the latest first: in titles, prompts, answers, calls and results.

    Example: turnlog search login timeout
    """
    must_exist(database)
    text = " ".join(words)

    async def work(log: "Turnlog") -> None:
        session_id = None if session is None else await log.find_session(session)
        found = await log.projections.search(text, session_id=session_id, kinds=kinds or (), limit=limit + 1)
        shown, more = found[:limit], len(found) > limit
        if as_json:
            for each in shown:
                write_json(_document(each, text))
        elif shown:
            _show(shown, await short_ids(log, (each.session_id for each in shown)), text)
        else:
            note(f"nothing has all of these words: {_safe(text)}")
        if more:
            note((f"the latest {limit} are shown; -n shows more", "quiet"))

    with paged(off=as_json or no_pager):
        with_log(database, work)


def _safe(text: str) -> str:
    from .text import safe_line

    return safe_line(text)


def _phrases(text: str) -> "Sequence[Phrase]":
    from turnlog.projections import phrases_of

    return phrases_of(text)


def _document(found: "Found", text: str) -> dict[str, Any]:
    from turnlog.projections import excerpt

    from .records import plain

    before, hit, behind = excerpt(found.text, _phrases(text))
    return {**plain(found), "excerpt": before + hit + behind}


def _show(found: "Sequence[Found]", ids: Mapping[str, str], text: str) -> None:
    from turnlog.projections import excerpt

    from .text import moment

    phrases = _phrases(text)
    addresses = [f"{ids[each.session_id]}@{each.version}" for each in found]
    width = max(map(len, addresses))
    for address, each in zip(addresses, found, strict=True):
        before, hit, behind = (_piece(part) for part in excerpt(each.text, phrases))
        write(
            (f"{address:<{width}}  {moment(each.at)}  ", "quiet"),
            (f"{each.kind:<8}  ", _tone(each.kind)),
            before,
            (hit, "good"),
            behind,
        )


def _tone(kind: "TextKind") -> str:
    return _TONES.get(kind, "plain")


def _piece(text: str) -> str:
    """A piece of a line, with the blanks at its ends."""
    from .text import safe

    return safe("".join(" " if character.isspace() else character for character in text))
