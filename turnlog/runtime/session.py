"""The handle of a session: what callers hold. It keeps nothing the log does not say."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace

from turnlog.domain import (
    AwaitPerson,
    Change,
    Draft,
    Event,
    ImageBlock,
    Message,
    Model,
    NotFound,
    Recorded,
    Resolution,
    Rule,
    Session,
    TextBlock,
    Tool,
    ToolImage,
    UserBlock,
    clean,
    commands,
    next_step,
)
from turnlog.projections import METADATA, TRANSCRIPT, Item, Metadata, messages, project

from .approvals import Approvals, PermissionDecision, resolve
from .engine import Conduct, Reply, drive, reply_of
from .environment import Environment
from .histories import history, load
from .judging import rules_for
from .live import LiveDelta
from .subscription import follow
from .worker import Worker
from .writing import command

UserInput = str | Sequence[str | ToolImage]
"""What a person says: text, or texts and images in order."""


class SessionHandle:
    """A session to work with. Several handles, in any number of processes, may exist for one session."""

    def __init__(
        self, env: Environment, session_id: str, *, model: Model | None = None, tools: Sequence[Tool] = ()
    ) -> None:
        self._env = env
        self._id = session_id
        self._model = model
        self._tools: Mapping[str, Tool] = {tool.spec.name: tool for tool in tools}

    @property
    def id(self) -> str:
        """The session's id: a UUIDv7, the same for ever."""
        return self._id

    # Turns

    async def append_turn(self, content: UserInput, *, approvals: Approvals = "suspend") -> Reply:
        """Say something and run the turn until the model has its last word, or a person has to answer.

        Raises InvalidInput, CommandRefused, SessionBusy, SessionLost, TurnFailure, TurnInterrupted, StoreError.
        """
        worker = await self._worker()
        blocks = await self._kept(content)
        turn_id, user = self._env.ids.new("turn"), self._env.stamp()
        worker.decide(lambda session: self._taken(worker, session, take_over=False))
        worker.decide(lambda session: commands.turns.start(session, user, turn_id, blocks))
        return await drive(worker, Conduct(approvals))

    async def resume_turn(
        self,
        *,
        approvals: Approvals = "suspend",
        unknown: Resolution | None = None,
        reason: str = "",
        take_over: bool = False,
    ) -> Reply:
        """Go on with the turn that was suspended, failed, was cancelled or lost its worker; nothing done is done again.

        `unknown` says what became of calls whose outcome nobody knows. `take_over` takes the session from a worker that
        cannot be asked. Where the turn still waits for the same person, nothing is changed and the reply says so.
        Raises NothingToResume, SessionBusy, SessionLost, TurnFailure, TurnInterrupted, StoreError.
        """
        worker = await self._worker()
        conduct = Conduct(approvals, unknown, clean(reason))
        if self._still_waits(worker, conduct):
            return reply_of(worker)
        user = self._env.stamp()
        worker.decide(lambda session: commands.turns.resume(session, user))
        worker.decide(lambda session: self._taken(worker, session, take_over=take_over))
        return await drive(worker, conduct)

    async def cancel(self, reason: str = "") -> None:
        """Stop the turn in progress, whoever runs it. Raises CommandRefused, StoreError."""
        by = self._env.stamp()
        await command(self._env, self._id, lambda session: commands.turns.cancel(session, by, clean(reason)))

    # Permissions

    async def resolve_permission(self, request_id: str, decision: PermissionDecision) -> None:
        """Answer a request. Raises NotFound, CommandRefused, InvalidInput, StoreError."""
        await resolve(self._env, self._id, request_id, decision)

    async def resolve_unknown(self, call_id: str, resolution: Resolution, reason: str = "") -> None:
        """Say what became of a call whose outcome nobody knows. Raises NotFound, CommandRefused, StoreError."""
        by = self._env.stamp()
        await command(
            self._env,
            self._id,
            lambda session: commands.tools.resolve(session, by, call_id, resolution, clean(reason)),
        )

    async def remembered_rules(self) -> tuple[Rule, ...]:
        """The rules that speak for this session now: its own, its project's, everybody's. Raises StoreError."""
        return await rules_for(self._env, await load(self._env, self._id))

    # Reading

    def subscribe(self, after: int = 0) -> AsyncGenerator[Recorded | LiveDelta, None]:
        """Every event after a version, then live; pieces of answers in between.

        Bears with a database that is away for as long as the settings say. Raises StoreError.
        """
        return follow(self._env, self._id, after)

    async def replay(self, at: int | None = None) -> tuple[Item, ...]:
        """The transcript as typed items, at a version or now. Raises NotFound, InvalidInput, StoreError."""
        return tuple(project(TRANSCRIPT, await history(self._env.log, self._id, at)).items)

    async def history(self, at: int | None = None) -> tuple[Message, ...]:
        """The messages a model would see, bodies included. Raises NotFound, InvalidInput, StoreError."""
        transcript = project(TRANSCRIPT, await history(self._env.log, self._id, at))
        return await self._env.bodies.whole(messages(transcript))

    async def metadata(self) -> Metadata:
        """Id, title, model, status, turn count and times. Raises NotFound, StoreError."""
        found = project(METADATA, await history(self._env.log, self._id))
        if found is None:
            raise NotFound(f"there is no session {self._id}")
        return found

    async def state(self, at: int | None = None) -> Session:
        """The session as decisions see it. Raises NotFound, InvalidInput, StoreError."""
        return await load(self._env, self._id, at)

    # Changing the session

    async def rename(self, title: str) -> None:
        """Change the title. Raises InvalidInput, CommandRefused, StoreError."""
        by = self._env.stamp()
        await command(self._env, self._id, lambda session: commands.sessions.rename(session, by, clean(title)))

    async def close(self, reason: str = "") -> None:
        """Accept no further turn. Raises CommandRefused, StoreError."""
        by = self._env.stamp()
        await command(self._env, self._id, lambda session: commands.sessions.close(session, by, clean(reason)))

    async def fork(
        self, at: int | None = None, *, title: str | None = None, model: str | None = None, keep_grants: bool = False
    ) -> "SessionHandle":
        """A new session that goes on from this one at a version. Raises NotFound, InvalidInput, StoreError."""
        child = await fork_session(self._env, self._id, at, commands.sessions.Fork(title, model, keep_grants))
        return SessionHandle(
            self._env, child, model=self._model if model is None else None, tools=tuple(self._tools.values())
        )

    # Inside

    async def _worker(self) -> Worker:
        session = await load(self._env, self._id)
        model = self._model if self._model is not None else self._env.models(session.model)
        worker = Worker(self._env, self._id, model, self._toolbox(session.tools))
        await worker.open()
        return worker

    def _toolbox(self, names: Sequence[str]) -> dict[str, Tool]:
        found = {name: self._tools.get(name) or self._env.tools(name) for name in names}
        return {name: tool for name, tool in found.items() if tool is not None}

    def _taken(self, worker: Worker, session: Session, *, take_over: bool) -> tuple[Event, ...]:
        gone = session.lease is None or take_over or self._env.is_gone(session.lease.worker)
        return commands.leases.take(session, worker.stamp(), worker.name, holder_gone=gone)

    def _still_waits(self, worker: Worker, conduct: Conduct) -> bool:
        """Whether resuming would only suspend again, on the same questions."""
        turn = worker.session.turn
        if turn is None or turn.state != "suspended" or conduct.approvals != "suspend":
            return False
        ahead = Draft(worker.session)
        by = self._env.stamp()
        ahead.decide(lambda session: commands.turns.resume(session, by))
        step = next_step(ahead.session)
        if not isinstance(step, AwaitPerson):
            return False
        if step.unknown:
            return conduct.unknown is None
        return all(by["at"] < request.expires_at for request in step.requests)

    async def _kept(self, content: UserInput) -> tuple[UserBlock, ...]:
        parts = [content] if isinstance(content, str) else list(content)
        blocks: list[UserBlock] = []
        for part in parts:
            if isinstance(part, str):
                blocks.append(TextBlock(text=clean(part)))
            else:
                blocks.append(ImageBlock(image=await self._env.bodies.keep_image(part.data, part.media_type)))
        return await self._env.bodies.kept_input(blocks)


async def fork_session(env: Environment, parent: str, at: int | None, fork: commands.sessions.Fork) -> str:
    """Begin a stream that goes on from another one; its id. Raises NotFound, InvalidInput, StoreError."""
    session = await load(env, parent, at)
    fork = replace(fork, title=None if fork.title is None else clean(fork.title))
    events = commands.sessions.fork(session, env.stamp(), fork)
    child = env.ids.session()
    await env.log.append(Change(child, 0, events))
    return child
