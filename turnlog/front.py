"""The front door: open a log, create sessions, look at any of them at any version."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from turnlog.domain import (
    OUTPUT_TOOL,
    STANDARD,
    Body,
    Change,
    ExactCall,
    InvalidInput,
    Limits,
    Model,
    ModelSettings,
    NotFound,
    Policy,
    Rule,
    Session,
    Tool,
    clean,
    commands,
    fold,
)
from turnlog.projections import METADATA, TRANSCRIPT, Approval, Metadata, project

from .moment import Moment
from .opening import Opening
from .runtime import (
    Authorizer,
    Environment,
    Follower,
    Index,
    Outcome,
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
    keep_policy,
    list_rules,
    resolve,
    revoke_rule,
)
from .runtime.histories import load
from .runtime.hooks import Hook, in_order
from .runtime.pages import READ_TOOL_RESULT
from .runtime.results import runtime_tool, with_reader
from .runtime.whatif import BlastRadius, Difference, Progress, Trial, blast_radius, whatif, with_books
from .runtime.whatif import Outcome as Effects


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question and what an answer to it came to; `endorsed` is a yes that another person has to second."""

    approval: Approval
    outcome: Outcome


class Turnlog:
    """An open log. Everything it tells is read from the log; several processes may have the same one open."""

    def __init__(self, env: Environment, close: Callable[[], Any]) -> None:
        self._env = env
        self._close = close
        self._index = Index(env.log)

    @staticmethod
    def open(  # noqa: PLR0913 - named, and none changes what another means
        url: str,
        *,
        settings: Settings | None = None,
        user: str | None = None,
        strict: bool = False,
        hooks: Sequence[Hook] = (),
        policy: Policy = STANDARD,
        authorizer: Authorizer | None = None,
    ) -> "Opening[Turnlog]":
        """Open the log at a URL: `async with Turnlog.open("sqlite:///turnlog.db") as log`.

        URLs are `sqlite:///PATH`, `postgresql://…` and `memory:`. A new SQLite file is set up on the way; Postgres
        needs `turnlog db migrate` first. `user` is who gives commands (default: the login name). `strict` first runs
        the checks of `turnlog doctor`, and refuses a database that fails one, also one that is not there yet. `hooks`
        are asked and told in every session, before those of the session. `policy` is that of new sessions which name
        none; `authorizer` is asked about every call that no rule denies, before a person is.
        Raises InvalidInput, SchemaMissing, SchemaNewer, StoreError; UnsafeStore where `strict`.
        """
        from .wiring import open_turnlog, require_safe

        def open_() -> Turnlog:
            if strict:
                require_safe(url)
            return open_turnlog(url, settings or Settings(), user, in_order(hooks), policy, authorizer)

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
        policy: Policy | None = None,
    ) -> SessionHandle:
        """Begin a session. Tools are your own, or the names of built-in ones; `workspace` is what they may touch.

        `model` is a model, its `provider:model` name, or a provider's name alone for its newest model, which is then
        recorded by its full name. `settings` are for the model; `limits` hold for all turns together. `hooks` belong to
        the handle, as tools of your own do: whoever opens the session again gives them again. `policy` says how calls
        are judged; the session keeps it (None: that of the log as it was opened).

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
            policy=await self._kept_policy(policy or self._env.policy),
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

    async def resolve_permission(self, request_id: str, decision: PermissionDecision) -> Resolved:
        """Answer a request of any session, by the beginning of its id.

        Raises NotFound, CommandRefused, InvalidInput, BlobMissing, BlobDamaged, StoreError.
        """
        found = await self.find_request(request_id)
        return Resolved(found, await resolve(self._env, found.session_id, found.request_id, decision))

    @property
    def process(self) -> str:
        """The name of this process, for rules that hold in it alone."""
        return self._env.worker

    async def rules(
        self, session_id: str | None = None, at: int | datetime | None = None, *, project: str | None = None
    ) -> list[Rule]:
        """The rules of all books, and those a session keeps: now, at a version of the session, or at a time.

        With `project` the books of other projects are left out.

        Raises NotFound, InvalidInput, StoreError.
        """
        return await list_rules(self._env, session_id, at, project)

    async def add_rule(self, rule: RuleDraft) -> str:
        """Add a rule by hand; its id. Raises InvalidInput, NotFound, StoreError."""
        return await add_rule(self._env, rule)

    async def revoke_rule(self, rule_id: str, reason: str = "", *, session_id: str | None = None) -> Rule:
        """Take the one rule whose id begins so out of force. Raises NotFound, InvalidInput, StoreError."""
        return await revoke_rule(self._env, rule_id, reason, session_id)

    async def with_books(self, trial: Trial) -> Trial:
        """Rules to be tried, together with those of all books that are in force. Raises StoreError, CorruptRecord."""
        return await with_books(self._env, trial)

    async def whatif(
        self, trial: Trial, tell: Callable[[Difference], None], progress: Progress = lambda events: None
    ) -> Effects:
        """Try rules on all recorded calls, and tell what they would change. Raises StoreError, CorruptRecord."""
        return await whatif(self._env, trial, tell, progress)

    async def blast_radius(self, approval: Approval) -> BlastRadius:
        """How many recorded calls the exact rule, and then each proposed one, would have allowed.

        Raises StoreError, CorruptRecord.
        """
        exact = ExactCall(digest=approval.exact or approval.digest, shown="")
        proposed = (proposal.matcher for proposal in approval.proposals)
        return await blast_radius(self._env, approval.tool, (exact, *proposed))

    # Inside

    async def _kept_policy(self, policy: Policy) -> Body | None:
        return None if policy == STANDARD else await keep_policy(self._env, policy)

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


def _directory(path: Path) -> Path:
    resolved = path.resolve()
    if not resolved.is_dir():
        raise InvalidInput(f"the workspace {path} is not a directory")
    return resolved
