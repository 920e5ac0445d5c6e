"""show: a session as people read it, at any version."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .opening import again, session_ids, with_log
from .options import DEFAULT_DATABASE, At, Database, Json, address_at
from .outcomes import SETTLED
from .output import write, write_document
from .paging import NoPager, paged
from .text import count, indented, moment, safe_line

if TYPE_CHECKING:
    from turnlog.domain import Body, ImageBlock, ModelBlock, UserBlock
    from turnlog.front import Turnlog
    from turnlog.moment import Moment
    from turnlog.projections import Item, ModelSaid, ToolUsed, TurnEnded, UserSaid

_LINES = 20
_WIDTH = 2_000
_TONES = {"finished": "good", "failed": "bad", "denied": "bad", "unknown": "bad", "waiting": "ask"}


def show(
    address: Annotated[
        str,
        typer.Argument(metavar="ID[@V]", autocompletion=session_ids, help="The session, now or at a point in time."),
    ],
    full: Annotated[bool, typer.Option("--full", help="Cut nothing, however long it is.")] = False,
    at: At = None,
    no_pager: NoPager = False,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show a session as it stands, or as it stood: what was said and done, what waits, its own rules.

    Example: turnlog show 019b8d36@{turn:1}
    """
    address = address_at(address, at)

    async def work(log: "Turnlog") -> None:
        from .places import moment_at

        found = await moment_at(log, address)
        if as_json:
            write_document(found.state())
        else:
            await _Page(log, found, database, full=full).write()

    with paged(off=as_json or no_pager):
        with_log(database, work)


class _Page:
    """A session on paper."""

    def __init__(self, log: "Turnlog", found: "Moment", database: str, *, full: bool) -> None:
        self._log = log
        self._found = found
        self._database = database
        self._full = full

    async def write(self) -> None:
        """Write all of it."""
        self._head()
        for item in self._found.items:
            await self._item(item)
        await self._pending()
        self._rules()

    def _head(self) -> None:
        from turnlog.projections import USAGE, project

        session = self._found.session
        used = project(USAGE, self._found.history).total
        facts = [session.status, session.model, count(session.completed_turns, "turn")]
        if session.project is not None:
            facts.append(f"project {session.project}")
        facts += [f"#{tag}" for tag in session.tags]
        if session.workspace is not None:
            facts.append(f"in {session.workspace}")
        facts.append(f"{used.input_tokens} tokens in, {used.output_tokens} out")
        write((safe_line(session.title), "title"))
        write((f"{session.id}@{session.version}  {safe_line(' · '.join(facts))}", "quiet"))
        self._lineage()

    def _lineage(self) -> None:
        """Where it was forked from, the nearest first, and what goes on in its place."""
        from turnlog.domain import SessionForked

        for record in reversed(self._found.history):
            event = record.event
            if isinstance(event, SessionForked):
                who = "" if record.stream == self._found.session.id else f"{record.stream} was "
                write((f"{who}forked from {event.parent}@{event.parent_version}  {moment(event.at)}", "quiet"))
        if self._found.session.successor is not None:
            write((f"rewound; it goes on as {self._found.session.successor}", "ask"))

    async def _item(self, item: "Item") -> None:
        match item.kind:
            case "user_said":
                await self._user(item)
            case "model_said":
                await self._model(item)
            case "tool_used":
                await self._tool(item)
            case "turn_ended":
                self._end(item)
            case "notice_shown":
                self._heading(item, item.severity, "bad" if item.severity == "warning" else "plain")
                write(indented(item.message))
            case "memory_shown":
                self._heading(item, "memory", "quiet")
                write((indented(item.text or "nothing any more"), "quiet"))

    async def _user(self, item: "UserSaid") -> None:
        self._heading(item, "user", "title")
        await self._blocks(item.blocks)

    async def _model(self, item: "ModelSaid") -> None:
        if any(block.type != "tool_call" for block in item.blocks):
            self._heading(item, item.model, "title")
            await self._blocks(item.blocks)

    async def _blocks(self, blocks: "tuple[UserBlock | ModelBlock, ...]") -> None:
        for block in blocks:
            match block.type:
                case "text":
                    write(indented(await self._log.readable(block.text)))
                case "thinking":
                    if block.text:
                        write((indented(self._cut(await self._log.readable(block.text))), "quiet"))
                case "image":
                    write(f"    {_image(block)}")
                case "tool_search":
                    write((f"    tools searched for {safe_line(block.wanted)}: {safe_line(block.outcome)}", "quiet"))
                case "tool_call":
                    pass  # an item of its own

    async def _tool(self, item: "ToolUsed") -> None:
        lasted = "" if item.duration_ms is None else f"  {item.duration_ms / 1000:.1f} s"
        again = f"  attempt {item.attempt}" if item.attempt > 1 else ""
        self._heading(
            item, f"{item.tool}  {item.status}{lasted}{again}", _TONES.get(item.status, "plain"), until=item.changed
        )
        write(indented(self._cut(_readable(await self._whole(item.arguments)))))
        if item.reason:
            write(indented(item.reason, "    because: "))
        if item.resolution:
            who = "the policy" if item.resolution == "failed" else "a person"
            write(f"    {safe_line(item.settled_by or who)} said: {SETTLED[item.resolution]}")
        for block in item.content:
            if block.type == "text":
                write(indented(self._cut(await self._log.readable(block.text)), "  | "))
            else:
                write(f"  | {_image(block)}")

    def _end(self, item: "TurnEnded") -> None:
        because = ": ".join(part for part in (item.code, item.message) if part)
        tone = {"completed": "quiet", "suspended": "ask", "forked": "quiet"}.get(item.outcome, "bad")
        self._heading(item, f"turn {item.outcome}{f': {because}' if because else ''}", tone)

    async def _pending(self) -> None:
        from turnlog.domain import PermissionRequested

        turn = self._found.session.turn
        pending = (
            {request.request_id for request in turn.requests if request.state == "pending"} if turn else set[str]()
        )
        still = {approval.request_id for approval in await self._log.approvals()} if pending else set[str]()
        for record in self._found.history:
            event = record.event
            if isinstance(event, PermissionRequested) and event.request_id in pending:
                write()
                write((f"waits for permission until {moment(event.expires_at)}: {safe_line(event.tool)}", "ask"))
                write(indented(await self._log.readable(event.display)))
                waits = event.request_id in still
                hint = again(self._database, "approve", event.request_id) if waits else "settled in a later version"
                write((f"    {hint}", "quiet"))

    def _rules(self) -> None:
        from .rules import described

        rules = self._found.session.rules
        if rules:
            write()
            write(("rules of this session", "title"))
        for rule in rules:
            write(f"    {described(rule)}")

    def _heading(self, item: "Item", text: str, tone: str, until: int | None = None) -> None:
        own = item.stream == self._found.session.id
        place = f"@{item.version}" if until in (None, item.version) else f"@{item.version}–{until}"
        place = place if own else f"{place} of {item.stream}"
        write()
        write((safe_line(text), tone), (f"  {moment(item.at)}  {place}", "quiet"))

    async def _whole(self, body: "Body") -> str:
        return await self._log.readable(body)

    def _cut(self, text: str) -> str:
        """The beginning of a long text, unless all was asked for."""
        lines = text.rstrip("\n").split("\n")
        if self._full:
            return "\n".join(lines)
        shown = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in lines[:_LINES]]
        if len(lines) > _LINES:
            shown.append(f"… {count(len(lines) - _LINES, 'more line')}; --full shows them")
        return "\n".join(shown)


def _image(block: "ImageBlock") -> str:
    return f"[{safe_line(block.image.media_type)}, {block.image.size} bytes, {block.image.sha256[:12]}]"


def _readable(arguments: str) -> str:
    """Arguments one a line; text as it is, anything else as JSON."""
    from pydantic import TypeAdapter

    try:
        fields = TypeAdapter(dict[str, Any]).validate_json(arguments)
    except ValueError:
        return arguments
    return "\n".join(f"{name}: {_value(value)}" for name, value in fields.items())


def _value(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    lines = value.rstrip("\n").split("\n")
    return lines[0] if len(lines) == 1 else "\n".join(["", *(f"    {line}" for line in lines)])
