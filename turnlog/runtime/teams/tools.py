"""The tools with which a model works in a team: it begins teammates, and says things to the others."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from turnlog.domain import Effect, NotFound, Tool, ToolContext, ToolOutput, ToolSpec, mailbox_stream

from ..digests import text_digest
from ..environment import Environment
from ..histories import load
from ..showing import shown_call
from . import mailing, teammates

Do = Callable[[Environment, ToolContext, Mapping[str, JsonValue]], Awaitable[ToolOutput]]

EVERYBODY: Final = "everybody"
"""Whom a message is for that all others get."""


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


_To = Annotated[str, Field(description="The name of a teammate, or lead.")]
_Name = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
_Text = Annotated[str, Field(min_length=1, description="What to say. They see nothing else of your conversation.")]


class _Spawn(_Arguments):
    name: Annotated[_Name, Field(description="A short name for it, such as ada.")]
    prompt: Annotated[str, Field(min_length=1, description="Its first task; it knows nothing else.")]
    role: Annotated[str, Field(description="What it is for, in a few words.")] = ""
    tools: Annotated[list[str] | None, Field(description="Which of your tools it gets; otherwise all.")] = None


class _Send(_Arguments):
    to: Annotated[str, Field(description="The name of a teammate, or lead; `everybody` for all others.")]
    text: _Text


class _Request(_Arguments):
    to: _To
    text: _Text


class _Respond(_Arguments):
    request_id: Annotated[str, Field(description="Which request: its id, as in the message.")]
    text: _Text


class _List(_Arguments):
    pass


class _Shutdown(_Arguments):
    name: Annotated[str, Field(description="Which teammate.")]
    reason: str = ""


async def _spawn(env: Environment, context: ToolContext, arguments: Mapping[str, JsonValue]) -> ToolOutput:
    wanted = _Spawn.model_validate(dict(arguments))
    new = teammates.NewTeammate(wanted.name, wanted.prompt, wanted.role, wanted.tools, call_id=context.call_id)
    session_id = await teammates.spawn_teammate(env, context.session_id, new)
    said = f"{wanted.name} is at work; what it says will reach you as messages"
    return ToolOutput((said,), details={"session_id": session_id})


async def _send(env: Environment, context: ToolContext, arguments: Mapping[str, JsonValue]) -> ToolOutput:
    wanted = _Send.model_validate(dict(arguments))
    if wanted.to == EVERYBODY:
        sent = await mailing.broadcast(env, _sender(context), wanted.text)
    else:
        sent = await mailing.send(env, _sender(context), wanted.to, wanted.text)
    return ToolOutput((f"sent to {wanted.to}",), details={"message_id": sent})


async def _request(env: Environment, context: ToolContext, arguments: Mapping[str, JsonValue]) -> ToolOutput:
    wanted = _Request.model_validate(dict(arguments))
    request_id = await mailing.request(env, _sender(context), wanted.to, wanted.text)
    said = f"{wanted.to} was asked: request {request_id}. The response will reach you as a message that names it."
    return ToolOutput((said,), details={"request_id": request_id})


async def _respond(env: Environment, context: ToolContext, arguments: Mapping[str, JsonValue]) -> ToolOutput:
    wanted = _Respond.model_validate(dict(arguments))
    await mailing.respond(env, _sender(context), wanted.request_id, wanted.text)
    return ToolOutput((f"request {wanted.request_id} is answered",))


async def _list(env: Environment, context: ToolContext, arguments: Mapping[str, JsonValue]) -> ToolOutput:
    _List.model_validate(dict(arguments))
    roster = await mailing.roster_of(env, context.session_id)
    lines = [f"you are {roster.name}"]
    for mate in await teammates.list_teammates(env, context.session_id):
        unread = f", {mate.unread} unread" if mate.unread else ""
        lines.append(f"- {mate.name}{f' ({mate.role})' if mate.role else ''}: {mate.status}{unread}")
    mailbox = await env.mailboxes.read(mailbox_stream(context.session_id))
    asked = mailbox.open_requests()
    lines.extend(f"request {each.request_id} from {each.sender} waits for your answer" for each in asked)
    return ToolOutput(("\n".join(lines),))


async def _shutdown(env: Environment, context: ToolContext, arguments: Mapping[str, JsonValue]) -> ToolOutput:
    wanted = _Shutdown.model_validate(dict(arguments))
    try:
        await teammates.shut_down(env, context.session_id, wanted.name, wanted.reason, context.call_id)
    except NotFound:
        lead = await load(env, context.session_id)
        if not any(member.name == wanted.name and member.left for member in lead.team):
            raise
    return ToolOutput((f"{wanted.name} has left the team",))


def _sender(context: ToolContext) -> mailing.Sender:
    """The session of a call; every attempt at the call says the same thing, so it is said once."""
    digest = text_digest(context.idempotency_key)[:24]
    return mailing.Sender(context.session_id, f"message_{digest}", f"ask_{digest}", by_model=True)


class TeamTool:
    """A tool of the team: it changes the log and nothing else, so nobody has to be asked."""

    within_log = True

    def __init__(self, env: Environment, spec: ToolSpec, do: Do) -> None:
        self._env = env
        self._spec = spec
        self._do = do

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class."""
        return self._spec

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The call with every argument."""
        return shown_call(self._spec.name, arguments)

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """Do it. Raises NotFound, CommandRefused, InvalidInput, StoreError."""
        return await self._do(self._env, context, arguments)


def _spec(name: str, description: str, arguments: type[BaseModel], effect: Effect = "idempotent") -> ToolSpec:
    schema = arguments.model_json_schema()
    schema.pop("title", None)
    for each in schema.get("properties", {}).values():
        each.pop("title", None)
    schema.setdefault("properties", {})
    return ToolSpec(name=name, description=description, parameters=schema, effect=effect)


_TOOLS: Final[Mapping[str, tuple[ToolSpec, Do]]] = {
    spec.name: (spec, do)
    for spec, do in (
        (
            _spec(
                "team_spawn",
                "Begin a teammate: an agent that works beside you, remembers what it did, and can be told more later. "
                "It begins with nothing but the prompt. For work whose result you need at once, use a subagent.",
                _Spawn,
            ),
            _spawn,
        ),
        (
            _spec(
                "team_send",
                "Say something to a teammate, the lead, or everybody else. It reaches them once, and wakes whoever has "
                "nothing to do. Messages for you come by themselves: do not wait for them by asking again.",
                _Send,
            ),
            _send,
        ),
        (
            _spec(
                "team_request", "Ask one of the team for an answer that you can tell from others by its id.", _Request
            ),
            _request,
        ),
        (_spec("team_respond", "Answer a request that was put to you. Each takes one answer.", _Respond), _respond),
        (_spec("team_list", "Show who is in the team, how they stand, and what you were asked.", _List, "pure"), _list),
        (
            _spec(
                "team_shutdown",
                "Let a teammate go: it ends what it is at, and takes no further messages. Only for the lead.",
                _Shutdown,
            ),
            _shutdown,
        ),
    )
}


def team_tool(name: str) -> Callable[[Environment], Tool]:
    """What makes the tool of this name for a log."""
    spec, do = _TOOLS[name]
    return lambda env: TeamTool(env, spec, do)
