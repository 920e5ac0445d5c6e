"""The front door: open a log, create sessions, look at any of them at any version."""

import asyncio
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue

from turnlog.domain import (
    OUTPUT_TOOL,
    Body,
    Change,
    InvalidInput,
    Limits,
    Model,
    ModelSettings,
    NotFound,
    Recorded,
    Rule,
    Session,
    Tool,
    clean,
    commands,
    fold,
)
from turnlog.projections import METADATA, TRANSCRIPT, Approval, Item, Metadata, project, view

from .runtime import (
    Environment,
    Follower,
    Index,
    PermissionDecision,
    ReplayModel,
    RuleDraft,
    SessionHandle,
    Settings,
    add_rule,
    find_request,
    find_session,
    follow_all,
    fork_session,
    history,
    list_rules,
    resolve,
    revoke_rule,
)
from .runtime.histories import load
from .runtime.hooks import Hook, in_order
from .runtime.pages import READ_TOOL_RESULT
from .runtime.results import runtime_tool, with_reader


@dataclass(frozen=True, slots=True)
class Moment:
    """A session as it stood at a version: what decisions saw, what people would have seen."""

    session: Session
    metadata: Metadata
    items: tuple[Item, ...]
    history: tuple[Recorded, ...]

    def state(self) -> dict[str, JsonValue]:
        """The folded state as plain JSON, the document `show --json` prints and `diff` compares."""
        return view(self.session, self.history)


class Turnlog:
    """An open log. Everything it tells is read from the log; several processes may have the same one open."""

    def __init__(self, env: Environment, close: Callable[[], Any]) -> None:
        self._env = env
        self._close = close
        self._index = Index(env.log)

    @staticmethod
    def open(
        url: str,
        *,
        settings: Settings | None = None,
        user: str | None = None,
        strict: bool = False,
        hooks: Sequence[Hook] = (),
    ) -> "Opening":
        """Open the log at a URL: `async with Turnlog.open("sqlite:///turnlog.db") as log`.

        URLs are `sqlite:///PATH`, `postgresql://…` and `memory:`. A new SQLite file is set up on the way; Postgres
        needs `turnlog db migrate` first. `user` is who gives commands (default: the login name). `strict` first runs
        the checks of `turnlog doctor`, and refuses a database that fails one, also one that is not there yet. `hooks`
        are asked and told in every session, before those of the session.
        Raises InvalidInput, SchemaMissing, SchemaNewer, StoreError; UnsafeStore where `strict`.
        """
        from .wiring import open_turnlog, require_safe

        def open_() -> Turnlog:
            if strict:
                require_safe(url)
            return open_turnlog(url, settings or Settings(), user, in_order(hooks))

        return Opening(open_)

    async def close(self) -> None:
        """Finish what is under way and close every connection."""
        await self._close()

    # Sessions

    async def create_session(  # noqa: PLR0913 - named, and none changes what another means
        self,
        title: str,
        *,
        model: str | Model,
        tools: Sequence[str | Tool] = (),
        system: str | None = None,
        project: str | None = None,
        workspace: str | Path | None = None,
        settings: ModelSettings | None = None,
        limits: Limits | None = None,
        hooks: Sequence[Hook] = (),
    ) -> SessionHandle:
        """Begin a session. Tools are your own, or the names of built-in ones; `workspace` is what they may touch.

        `model` is a model, its `provider:model` name, or a provider's name alone for its newest model, which is then
        recorded by its full name. `settings` are for the model; `limits` hold for all turns together. `hooks` belong to
        the handle, as tools of your own do: whoever opens the session again gives them again.

        Raises InvalidInput, ModelError, StoreError.
        """
        own = [tool for tool in tools if not isinstance(tool, str)]
        names = tuple(tool if isinstance(tool, str) else tool.spec.name for tool in tools)
        self._known(names, own)
        in_order((*self._env.hooks, *hooks))
        # A session of a model that cannot be is not worth beginning.
        name = await self._env.known_model(model) if isinstance(model, str) else model.name
        opening = commands.sessions.Opening(
            title=clean(title),
            model=name,
            project=None if project is None else clean(project),
            workspace=None if workspace is None else str(_directory(Path(workspace))),
            system=None if system is None else await self._env.bodies.keep(system),
            tools=with_reader(names),
            settings=settings,
            limits=limits,
        )
        session_id = self._env.ids.session()
        events = commands.sessions.start(Session(session_id), self._env.stamp(), opening)
        await self._env.log.append(Change(session_id, 0, events))
        made = None if isinstance(model, str) else model
        return SessionHandle(self._env, session_id, model=made, tools=own, hooks=hooks)

    async def open_session(
        self, session_id: str, *, model: Model | None = None, tools: Sequence[Tool] = (), hooks: Sequence[Hook] = ()
    ) -> SessionHandle:
        """The session with this id, the same one for ever. Tools and hooks of your own have to be given again.

        Raises NotFound, InvalidInput, StoreError.
        """
        await load(self._env, session_id)
        return SessionHandle(self._env, session_id, model=model, tools=tools, hooks=hooks)

    async def list_sessions(self) -> list[Metadata]:
        """All sessions, the latest changed first. Raises StoreError, CorruptRecord."""
        return await self._index.sessions()

    async def find_session(self, prefix: str) -> str:
        """The one session id that begins so. Raises NotFound, InvalidInput, StoreError."""
        return await find_session(self._env.log, prefix)

    async def show(self, session_id: str, at: int | None = None) -> Moment:
        """A session as it stood at a version (None: now). Raises NotFound, InvalidInput, StoreError."""
        records = await history(self._env.log, session_id, at)
        metadata = project(METADATA, records)
        if metadata is None:
            raise NotFound(f"{session_id} is not a session")
        return Moment(
            fold(Session(session_id), records),
            metadata,
            tuple(project(TRANSCRIPT, records).items),
            tuple(records),
        )

    async def fork(
        self,
        session_id: str,
        at: int | None = None,
        *,
        title: str | None = None,
        model: str | None = None,
        keep_grants: bool = False,
    ) -> SessionHandle:
        """A new session that goes on from another at a version, with another model if one is named.

        Raises NotFound, InvalidInput, ModelError, StoreError.
        """
        if model is not None:
            model = await self._env.known_model(model)
        child = await fork_session(self._env, session_id, at, commands.sessions.Fork(title, model, keep_grants))
        return SessionHandle(self._env, child)

    async def replay_model(self, session_id: str, turn: int | None = None) -> ReplayModel:
        """A model that gives the recorded answers of a session, or of one turn counted from 1, to the same requests.

        Raises NotFound, InvalidInput, StoreError.
        """
        return await ReplayModel.of(self._env, session_id, turn)

    def follow(
        self, after: int = 0, *, streams: str | Collection[str] | None = None, patience: float | None = None
    ) -> Follower:
        """Every event after a position, then live: of all sessions and rule books, or of the streams named.

        Each event once, in the one order over all streams; `Recorded.position` is where to go on from. Bears with a
        database that is away for `patience` seconds (default: the settings' `away_seconds`). Raises StoreError.
        """
        return follow_all(self._env, after, streams, patience=patience)

    async def text(self, body: Body) -> str:
        """The whole text of a body. Raises BlobMissing, BlobDamaged, StoreError."""
        return await self._env.bodies.text(body)

    async def readable(self, body: Body) -> str:
        """The text of a body for people: of one that is missing or damaged its beginning, and a line that says so.

        Raises StoreError where the database is away.
        """
        return await self._env.bodies.readable(body)

    # Permissions

    async def approvals(self) -> list[Approval]:
        """The questions nobody has answered, oldest first. Raises StoreError, CorruptRecord."""
        return await self._index.approvals()

    async def find_request(self, prefix: str) -> Approval:
        """The one pending request whose id begins so. Raises NotFound, InvalidInput, StoreError."""
        return await find_request(self._index, prefix)

    async def resolve_permission(self, request_id: str, decision: PermissionDecision) -> Approval:
        """Answer a request of any session. Raises NotFound, CommandRefused, InvalidInput, StoreError."""
        found = await self.find_request(request_id)
        await resolve(self._env, found.session_id, found.request_id, decision)
        return found

    async def rules(self, session_id: str | None = None) -> list[Rule]:
        """The rules of all books in force, and those a session keeps. Raises NotFound, StoreError."""
        return await list_rules(self._env, session_id)

    async def add_rule(self, rule: RuleDraft) -> str:
        """Add a rule by hand; its id. Raises InvalidInput, NotFound, StoreError."""
        return await add_rule(self._env, rule)

    async def revoke_rule(self, rule_id: str, reason: str = "", *, session_id: str | None = None) -> Rule:
        """Take the one rule whose id begins so out of force. Raises NotFound, InvalidInput, StoreError."""
        return await revoke_rule(self._env, rule_id, reason, session_id)

    # Inside

    def _known(self, names: tuple[str, ...], own: Sequence[Tool]) -> None:
        if len(set(names)) < len(names):
            raise InvalidInput("two tools of one session cannot have the same name")
        mine = {tool.spec.name for tool in own}
        for name in sorted(mine & {READ_TOOL_RESULT, OUTPUT_TOOL}):
            raise InvalidInput(f"the name {name!r} belongs to a tool of turnlog; give yours another")
        for name in names:
            if name not in mine and runtime_tool(self._env, name) is None and self._env.tools(name) is None:
                raise InvalidInput(f"there is no built-in tool {name!r}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class Opening:
    """A log about to be opened: `async with` it, or `await` it and close the log yourself."""

    def __init__(self, open_: Callable[[], Turnlog]) -> None:
        self._open = open_
        self._log: Turnlog | None = None

    def __await__(self) -> Generator[Any, None, Turnlog]:
        return asyncio.to_thread(self._open).__await__()

    async def __aenter__(self) -> Turnlog:
        self._log = await self
        return self._log

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._log is not None:
            await self._log.close()


def _directory(path: Path) -> Path:
    resolved = path.resolve()
    if not resolved.is_dir():
        raise InvalidInput(f"the workspace {path} is not a directory")
    return resolved
