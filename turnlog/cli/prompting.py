"""prompt: what a model got to see, to the letter, at any version."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import session_ids, with_log
from .options import DEFAULT_DATABASE, At, Database, Json, address_at
from .output import write, write_document
from .paging import NoPager, paged
from .text import indented, safe_line

if TYPE_CHECKING:
    from turnlog.domain import Block, Body, ModelRequest
    from turnlog.front import Turnlog
    from turnlog.runtime import Prompt


def prompt(
    address: Annotated[
        str,
        typer.Argument(
            metavar="ID[@V]", autocompletion=session_ids, help="The latest request at this point, or the latest of all."
        ),
    ],
    at: At = None,
    no_pager: NoPager = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show what the model saw: the request built again from the log, checked against the digest taken when it was sent.

    Example: turnlog prompt 019b8d36@17
    """
    address = address_at(address, at)

    async def work(log: "Turnlog") -> None:
        from .places import moment_at

        session = (await moment_at(log, address)).session
        found = await (await log.open_session(session.id)).prompt(session.version)
        if as_json:
            write_document(_document(found))
        else:
            _write(found)
        _check(found)

    with paged(off=as_json or no_pager):
        with_log(database, work)


def _document(found: "Prompt") -> dict[str, object]:
    return {
        "session": found.stream,
        "version": found.version,
        "digest": {"recorded": found.recorded, "rebuilt": found.rebuilt, "agrees": found.agrees},
        "request": found.request.model_dump(mode="json"),
    }


def _check(found: "Prompt") -> None:
    from turnlog.domain import VerificationFailed

    if not found.agrees:
        raise VerificationFailed(
            f"THIS IS NOT WHAT THE MODEL SAW at {found.stream}@{found.version}: the request sent had the digest "
            f"{found.recorded}, the one built from the log has {found.rebuilt}; `turnlog verify` checks the log "
            "(requests from before their tools were kept agree only where none were on offer)"
        )


def _write(found: "Prompt") -> None:
    request = found.request
    write((f"what {safe_line(request.model)} saw", "title"))
    write((f"{found.stream}@{found.version}  sha256 {found.recorded}", "quiet"))
    if request.settings is not None:
        write()
        write(("settings", "title"))
        write(indented(request.settings.model_dump_json(exclude_defaults=True)))
    if request.system is not None:
        write()
        write(("system", "title"))
        write(indented(request.system))
    _tools(request)
    for number, message in enumerate(request.messages, start=1):
        write()
        write((f"{number}  {message.role}", "title"))
        for block in message.blocks:
            _block(block)


def _tools(request: "ModelRequest") -> None:
    for tool in request.tools:
        write()
        held_back = "  held back until the provider finds it" if tool.deferred else ""
        write((f"tool {safe_line(tool.name)}", "title"), (f"  {tool.effect}{held_back}", "quiet"))
        write(indented(tool.description))
        write((indented(json.dumps(tool.parameters, ensure_ascii=False)), "quiet"))


def _block(block: "Block") -> None:
    match block.type:
        case "text":
            write(indented(_text(block.text)))
        case "thinking":
            write((indented(_text(block.text)), "quiet"))
        case "image":
            image = block.image
            write(f"    [{safe_line(image.media_type)}, {image.size} bytes, {image.sha256[:12]}]")
        case "tool_call":
            write((f"    call {safe_line(block.name)}  {safe_line(block.call_id)}", "quiet"))
            write(indented(_text(block.arguments), "  > "))
        case "tool_search":
            write((f"    tools searched for {safe_line(block.wanted)}: {safe_line(block.outcome)}", "quiet"))
        case "tool_result":
            failed = "  failed" if block.is_error else ""
            write((f"    result {safe_line(block.name)}  {safe_line(block.call_id)}{failed}", "quiet"))
            for part in block.content:
                if part.type == "text":
                    write(indented(_text(part.text), "  | "))
                else:
                    _block(part)


def _text(body: "Body") -> str:
    """The text of a body of a request, where all are inline."""
    from turnlog.domain import text_of

    return text_of(body)
