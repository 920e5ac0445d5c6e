"""The handle of a session: what callers hold. It keeps nothing the log does not say."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal, overload

from pydantic import BaseModel

from turnlog.domain import (
    CommandRefused,
    Limits,
    Message,
    Model,
    ModelSettings,
    NotFound,
    Policy,
    Recorded,
    Resolution,
    Rule,
    Session,
    Tool,
    ToolSearch,
    clean,
    commands,
    kinds_of,
    memory_stream,
)
from turnlog.projections import METADATA, TRANSCRIPT, Item, Metadata, messages, project

from .configuring import Wanted, configure_session
from .context.compacting_now import Compacting, compact_now
from .delegation.delegating import run
from .delegation.spawning import NewSubagent, spawn
from .delegation.subagents import SubagentHandle, end_all, handles, session_of_call, session_with
from .delegation.tree_following import Placed, follow_tree
from .environment import Environment
from .explaining.why import Why, why
from .histories import history, load
from .hooks import Hook, in_order
from .means import Means, worker_for
from .memory.facts import ProjectMemory, recalling
from .permissions.decisions import Approvals, PermissionDecision
from .permissions.looking import rules_for
from .permissions.resolving import Outcome, resolve
from .subscription import follow, follow_kinds
from .teams import mailing
from .teams.mail_delivery import Received, inbox
from .teams.task_board import Tasks, tasks_of
from .teams.teammates import NewTeammate, Teammate, list_teammates, shut_down, spawn_teammate
from .time_travel.addresses import At
from .time_travel.forks import NewFork, fork_session
from .turns.engine import Conduct
from .turns.inputs import UserInput, keep_input
from .turns.live import Piece
from .turns.outputs import M, form_of
from .turns.prompts import Prompt, latest_prompt
from .turns.replies import Reply, TypedReply, reply_of, typed
from .turns.unknown_outcomes import OutcomeWord, check_word, resolve_unknown
from .worker import Worker
from .workers.beginning import begin_turn
from .workers.handing_over import GoingOn, hand_over
from .workers.taking import holder_of, still_waits, taken, without_asking
from .writing import command


class SessionHandle:
    """A session to work with. Several handles, in any number of processes, may exist for one session."""

    def __init__(
        self,
        env: Environment,
        session_id: str,
        *,
        model: Model | None = None,
        tools: Sequence[Tool] = (),
        hooks: Sequence[Hook] = (),
    ) -> None:
        self._env = env
        self._id = session_id
        self._own_hooks = tuple(hooks)
        own = {tool.spec.name: tool for tool in tools}
        self._means = Means(model, own, in_order((*env.hooks, *hooks)))

    @property
    def id(self) -> str:
        """The session's id: a UUIDv7, the same for ever."""
        return self._id

    # Turns

    @overload
    async def append_turn(
        self,
        content: UserInput,
        *,
        approvals: Approvals = "suspend",
        limits: Limits | None = None,
        output: None = None,
    ) -> Reply: ...

    @overload
    async def append_turn(
        self, content: UserInput, *, approvals: Approvals = "suspend", limits: Limits | None = None, output: type[M]
    ) -> TypedReply[M]: ...

    async def append_turn(
        self,
        content: UserInput,
        *,
        approvals: Approvals = "suspend",
        limits: Limits | None = None,
        output: type[BaseModel] | None = None,
    ) -> Reply:
        """Say something and run the turn until the model has its last word, or a person has to answer.

        With `output` the turn ends in a value of that type: `reply.output`.
        Raises InvalidInput, CommandRefused, SessionBusy, SessionLost, LimitReached, TurnFailure, TurnInterrupted,
        StoreError.
        """
        worker = await worker_for(self._env, self._id, self._means)
        form = None if output is None else form_of(output)
        asked = commands.turns.Asked(await keep_input(self._env.bodies, content), limits, form)
        await begin_turn(worker, asked)
        return await self._run(worker, Conduct(approvals), output)

    async def begin_turn(self, content: UserInput, *, limits: Limits | None = None) -> str:
        """Say something and leave the turn to whichever worker comes first; the turn's id.

        Raises InvalidInput, CommandRefused, SessionBusy, StoreError.
        """
        asked = commands.turns.Asked(await keep_input(self._env.bodies, content), limits)
        turn_id, by = self._env.ids.new("turn"), self._env.stamp()
        recall = await recalling(self._env, await load(self._env, self._id))
        await command(
            self._env,
            self._id,
            lambda session: (*recall(session), *commands.turns.start(session, by, turn_id, asked)),
        )
        return turn_id

    @overload
    async def resume_turn(
        self,
        *,
        approvals: Approvals = "suspend",
        unknown: Resolution | None = None,
        reason: str = "",
        take_over: bool = False,
        limits: Limits | None = None,
        output: None = None,
    ) -> Reply: ...

    @overload
    async def resume_turn(
        self,
        *,
        approvals: Approvals = "suspend",
        unknown: Resolution | None = None,
        reason: str = "",
        take_over: bool = False,
        limits: Limits | None = None,
        output: type[M],
    ) -> TypedReply[M]: ...

    async def resume_turn(
        self,
        *,
        approvals: Approvals = "suspend",
        unknown: Resolution | None = None,
        reason: str = "",
        take_over: bool = False,
        limits: Limits | None = None,
        output: type[BaseModel] | None = None,
    ) -> Reply:
        """Go on with the turn that was suspended, failed, was cancelled or lost its worker; nothing done is done again.

        `unknown` says what became of all calls whose outcome nobody knows. `take_over` takes the session from a worker
        that cannot be asked. `limits` take the place of the turn's. `output` is the type of the value the turn was
        begun to end in; without it only the JSON Schema in the log is asked, and the reply has a plain `value`.

        Where the turn still waits for the same person, nothing is changed and the reply says so.
        Raises NothingToResume, CommandRefused where `unknown` cannot be said of a call, SessionBusy, SessionLost,
        LimitReached, TurnFailure, TurnInterrupted, StoreError.
        """
        worker = await worker_for(self._env, self._id, self._means)
        word = None if unknown is None else OutcomeWord(unknown, self._env.redactor.text(clean(reason)))
        conduct = Conduct(approvals, word)
        if word is not None:
            check_word(self._env, worker.session, word)
        if await still_waits(self._env, worker.session, conduct):
            waiting = await reply_of(worker)
            return waiting if output is None else typed(waiting, output)
        user = self._env.stamp()
        holder = without_asking(worker.session) if take_over else await holder_of(self._env, worker.session)
        worker.decide(lambda session: commands.turns.resume(session, user, limits))
        worker.decide(lambda session: taken(worker, session, holder))
        return await self._run(worker, conduct, output)

    async def hand_over_turn(
        self,
        *,
        unknown: Resolution | None = None,
        reason: str = "",
        take_over: bool = False,
        limits: Limits | None = None,
    ) -> str:
        """Take a turn up again that was stopped, failed or cancelled, and leave it to whichever worker comes first.

        A turn that workers take by themselves, now or once people have answered, is left as it is. The arguments are
        those of `resume_turn`; the result is the turn's id.
        Raises NothingToResume, CommandRefused where `unknown` cannot be said of a call, SessionBusy, StoreError.
        """
        word = None if unknown is None else OutcomeWord(unknown, self._env.redactor.text(clean(reason)))
        return await hand_over(self._env, self._id, GoingOn(limits, word, take_over))

    async def cancel(self, reason: str = "") -> None:
        """Stop the turn in progress and all subagents, whoever runs them. Raises CommandRefused, StoreError."""
        by = self._env.stamp()
        try:
            await command(self._env, self._id, lambda session: commands.turns.cancel(session, by, clean(reason)))
        except CommandRefused:  # no turn is in progress, or none any more
            if not (await load(self._env, self._id)).subagents.active:
                raise
        await end_all(self._env, await load(self._env, self._id), clean(reason))

    async def stop(self, reason: str = "") -> None:
        """Let the turn in progress finish its step and put it aside there. Raises CommandRefused, StoreError."""
        by = self._env.stamp()
        await command(self._env, self._id, lambda session: commands.turns.stop(session, by, clean(reason)))

    async def steer(self, content: UserInput) -> None:
        """Say something that the model sees with its next request in the turn in progress, whoever runs it.

        Raises InvalidInput, CommandRefused where no turn is in progress, StoreError.
        """
        await self._queue("steer", content)

    async def follow_up(self, content: UserInput) -> None:
        """Say something that the model sees when the turn in progress would end, which goes on then.

        Raises InvalidInput, CommandRefused where no turn is in progress, StoreError.
        """
        await self._queue("follow_up", content)

    async def memory(self) -> ProjectMemory:
        """The memory that the session works with: its project's, or its own. Raises NotFound, StoreError."""
        session = await load(self._env, self._id)
        return ProjectMemory(self._env, memory_stream(session.project, session.id))

    async def tasks(self) -> Tasks:
        """The task board that the session works with: its project's, or its own. Raises NotFound, StoreError."""
        return await tasks_of(self._env, self._id)

    # Subagents

    async def spawn_subagent(  # noqa: PLR0913 - named, and none changes what another means
        self,
        name: str,
        prompt: str,
        *,
        tools: Sequence[str] | None = None,
        model: str | Model | None = None,
        limits: Limits | None = None,
        template: str | None = None,
        approvals: Approvals = "suspend",
    ) -> SubagentHandle:
        """Have a subagent do what the prompt says, in a session of its own, beside whatever this one does.

        It has some of this session's tools (None: all), its policy, denials and what is left of its limits, and never
        more. Raises InvalidInput, CommandRefused, ModelError, StoreError.
        """
        child = await spawn(self._env, self._id, NewSubagent(name, prompt, tools, model, limits, template))
        made = self._means if model is None or isinstance(model, str) else replace(self._means, model=model)
        found = await handles(self._env, self._id, made, Conduct(approvals))
        (handle,) = [handle for handle in found if handle.id == child]
        handle.start()
        return handle

    async def subagents(self, *, approvals: Approvals = "suspend") -> Sequence[SubagentHandle]:
        """All subagents there ever were, oldest first; waiting for one goes on with it. Raises StoreError."""
        return await handles(self._env, self._id, self._means, Conduct(approvals))

    async def active_subagents(self, *, approvals: Approvals = "suspend") -> Sequence[SubagentHandle]:
        """The subagents that are not done. Raises StoreError."""
        active = (await load(self._env, self._id)).subagents
        return tuple(handle for handle in await self.subagents(approvals=approvals) if active.find(handle.id))

    # A team

    async def team_spawn(  # noqa: PLR0913 - named, and none changes what another means
        self,
        name: str,
        prompt: str,
        *,
        role: str = "",
        tools: Sequence[str] | None = None,
        model: str | Model | None = None,
        system: str | None = None,
        limits: Limits | None = None,
    ) -> str:
        """Begin a teammate, which any worker runs: in this process `Turnlog.work`; its session's id.

        None leaves a thing as it is here. Raises CommandRefused, InvalidInput, ModelError, StoreError.
        """
        new = NewTeammate(name, prompt, role, tools, model, system, limits)
        return await spawn_teammate(self._env, self._id, new)

    async def list_teammates(self) -> tuple[Teammate, ...]:
        """The teammates there ever were in the team that this session leads or belongs to. Raises StoreError."""
        return await list_teammates(self._env, self._id)

    async def team_shutdown(self, name: str, reason: str = "") -> None:
        """Let a teammate go: no message reaches it any more, and a turn in progress is its last.

        Raises NotFound, CommandRefused, StoreError.
        """
        await shut_down(self._env, self._id, name, reason)

    async def team_send(self, to: str, text: str) -> str:
        """Say something to one of the team, who reads it once; the id of the message.

        Raises NotFound, CommandRefused, InvalidInput, StoreError.
        """
        return await mailing.send(self._env, mailing.sender(self._env, self._id), to, text)

    async def team_broadcast(self, text: str) -> str:
        """Say something to all others of the team; the id of the message. Raises CommandRefused, StoreError."""
        return await mailing.broadcast(self._env, mailing.sender(self._env, self._id), text)

    async def team_request(self, to: str, text: str, *, within: timedelta | None = None) -> str:
        """Ask one of the team for a response; the id that it will name. Later than `within` none is taken.

        Raises NotFound, CommandRefused, InvalidInput, StoreError.
        """
        return await mailing.request(self._env, mailing.sender(self._env, self._id), to, text, within)

    async def team_respond(self, request_id: str, text: str) -> str:
        """Answer a request that was put to this session; the id of the message.

        Raises NotFound for what was never asked here, CommandRefused for a late or a second answer, StoreError.
        """
        return await mailing.respond(self._env, mailing.sender(self._env, self._id), request_id, text)

    async def team_response(self, request_id: str) -> Received:
        """The response to a request of this session, once it is there; it stays in the inbox.

        Raises NotFound where this session asked no such thing, CommandRefused where there will be none any more,
        StoreError.
        """
        return await mailing.response(self._env, self._id, request_id)

    async def team_inbox(self) -> tuple[Received, ...]:
        """The messages that neither model nor program has read, oldest first. Raises StoreError, BlobMissing."""
        return await inbox(self._env, self._id)

    async def team_take(self) -> tuple[Received, ...]:
        """The same, and they are read: the model is not told of them. Raises StoreError, BlobMissing."""
        return await mailing.take(self._env, self._id)

    # Permissions

    async def resolve_permission(self, request_id: str, decision: PermissionDecision) -> Outcome:
        """Answer a request, of a subagent too; `endorsed` where another person has to agree.

        Raises NotFound, CommandRefused, InvalidInput, BlobMissing, BlobDamaged, StoreError.
        """
        asks = await session_with(self._env, self._id, lambda turn: turn.request(request_id) is not None)
        return await resolve(self._env, asks, request_id, decision)

    async def resolve_unknown(
        self, call_id: str, resolution: Resolution, reason: str = "", *, result: str | None = None
    ) -> None:
        """Say what became of a call, of subagents too; the first word counts, a late one changes nothing.

        `result` is what a call that `did` returned, as far as you know; the model is told that you say so.
        Raises NotFound, CommandRefused, InvalidInput, StoreError.
        """
        made = await session_of_call(self._env, self._id, call_id)
        await resolve_unknown(self._env, made, call_id, OutcomeWord(resolution, reason, result))

    async def remembered_rules(self) -> tuple[Rule, ...]:
        """The rules that speak for this session now: its own, its project's, everybody's. Raises StoreError."""
        return await rules_for(self._env, await load(self._env, self._id))

    async def why(self, call_id: str) -> Why:
        """Why a call was allowed or denied, or what it waits for; a beginning of its id is enough.

        Raises NotFound, InvalidInput, StoreError, CorruptRecord.
        """
        return await why(self._env, self._id, call_id)

    # Reading

    @overload
    def subscribe(self, after: int = 0, *, kinds: None = None) -> AsyncGenerator[Recorded | Piece, None]: ...

    @overload
    def subscribe(self, after: int = 0, *, kinds: str | Collection[str]) -> AsyncGenerator[Recorded, None]: ...

    def subscribe(
        self, after: int = 0, *, kinds: str | Collection[str] | None = None
    ) -> AsyncGenerator[Recorded | Piece, None] | AsyncGenerator[Recorded, None]:
        """Every event after a version, then live; pieces of answers in between.

        With `kinds` only events of these, such as `ToolCallFinished` or a family such as `tool`, and no pieces.
        Bears with a database that is away for as long as the settings say. Raises InvalidInput, StoreError.
        """
        if kinds is None:
            return follow(self._env, self._id, after)
        return follow_kinds(self._env, self._id, after, kinds_of(kinds))

    def subscribe_tree(self, after: int = 0) -> AsyncGenerator[Placed, None]:
        """Every event after a version, with those of the subagents that were not done by then; then live, with pieces.

        Each comes with the path of its agent, such as `main/review`. Raises NotFound, InvalidInput, StoreError.
        """
        return follow_tree(self._env, self._id, after)

    async def replay(self, at: int | None = None) -> tuple[Item, ...]:
        """The transcript as typed items, at a version or now. Raises NotFound, InvalidInput, StoreError."""
        return tuple(project(TRANSCRIPT, await history(self._env.log, self._id, at)).items)

    async def history(self, at: int | None = None) -> tuple[Message, ...]:
        """The messages a model would see, bodies included. Raises NotFound, InvalidInput, StoreError."""
        transcript = project(TRANSCRIPT, await history(self._env.log, self._id, at))
        return await self._env.bodies.whole(messages(transcript))

    async def prompt(self, at: int | None = None) -> Prompt:
        """What the model saw: the latest request at or before a version (None: now), built again from the log alone.

        Raises NotFound, InvalidInput, BlobMissing, BlobDamaged, StoreError.
        """
        return await latest_prompt(await history(self._env.log, self._id, at), self._env.bodies)

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

    async def tag(self, *tags: str) -> None:
        """Put tags on the session, also on one that is closed. Raises InvalidInput, StoreError."""
        await self.retag(add=tags)

    async def untag(self, *tags: str) -> None:
        """Take tags off the session; those it does not have are none of its. Raises InvalidInput, StoreError."""
        await self.retag(remove=tags)

    async def retag(self, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Put tags on the session and take others off, as one event. Raises InvalidInput, StoreError."""
        by, added, removed = self._env.stamp(), [clean(each) for each in add], [clean(each) for each in remove]
        await command(self._env, self._id, lambda session: commands.sessions.tag(session, by, added, removed))

    async def configure(  # noqa: PLR0913 - named, and none changes what another means
        self,
        *,
        model: str | None = None,
        system: str | None = None,
        tools: Sequence[str] | None = None,
        settings: ModelSettings | None = None,
        limits: Limits | None = None,
        policy: Policy | None = None,
        memory: bool | None = None,
    ) -> None:
        """Change what holds for the turns to come; None leaves it as it is.

        Raises InvalidInput, CommandRefused while a turn is in progress, StoreError.
        """
        wanted = Wanted(model, system, tools, settings, limits, policy, memory)
        await configure_session(self._env, self._id, self._means.tools, wanted)

    async def compact(self, instructions: str = "") -> Compacting:
        """Replace the older part of the conversation, for the model, by a summary that its own model writes.

        The log keeps everything. `instructions` say what the summary is to heed. Where a worker runs the session, that
        one does it before its next request. Raises NotFound, CommandRefused where there is nothing to compact,
        CompactionError, LimitReached, StoreError.
        """
        return await compact_now(self._env, self._id, self._means, instructions)

    async def undo_compaction(self, reason: str = "") -> None:
        """Have the model see again what the latest summary stands for. Raises CommandRefused, StoreError."""
        by = self._env.stamp()
        await command(self._env, self._id, lambda session: commands.context.undo(session, by, clean(reason)))

    async def use_profile(self, name: str | None) -> None:
        """Show the model the tools of a profile (None: all), from its next request on.

        Raises InvalidInput where there is no such profile, CommandRefused, StoreError.
        """
        by = self._env.stamp()
        await command(self._env, self._id, lambda session: commands.toolset.choose(session, by, name))

    async def use_tool_search(self, search: ToolSearch) -> None:
        """From the next request on, let the model's `provider` find deferred tools where it can, or only `find_tools`.

        Raises InvalidInput, CommandRefused, StoreError.
        """
        by = self._env.stamp()
        await command(self._env, self._id, lambda session: commands.toolset.choose_search(session, by, search))

    async def close(self, reason: str = "") -> None:
        """Accept no further turn. Raises CommandRefused, StoreError."""
        by = self._env.stamp()
        await command(self._env, self._id, lambda session: commands.sessions.close(session, by, clean(reason)))

    async def fork(
        self,
        at: At = None,
        *,
        title: str | None = None,
        model: str | Model | None = None,
        system: str | None = None,
        tools: Sequence[str | Tool] | None = None,
        keep_grants: bool = False,
    ) -> "SessionHandle":
        """A new session that goes on from this one at a point, alike but for what is named.

        Tools and hooks of the calling program go with it. Raises NotFound, InvalidInput, ModelError, StoreError.
        """
        own = self._means.tools
        given = None if tools is None else [own.get(each, each) if isinstance(each, str) else each for each in tools]
        new = NewFork(title, model, system, given, keep_grants)
        child = await fork_session(self._env, self._id, at, new)
        return SessionHandle(
            self._env,
            child,
            model=self._means.model if model is None else new.own_model,
            tools=tuple(own.values()) if tools is None else new.own_tools,
            hooks=self._own_hooks,
        )

    # Inside

    async def _run(self, worker: Worker, conduct: Conduct, output: type[BaseModel] | None) -> Reply:
        return await run(worker, self._means, conduct, output)

    async def _queue(self, kind: Literal["steer", "follow_up"], content: UserInput) -> None:
        by, input_id = self._env.stamp(), self._env.ids.new("input")
        blocks = await keep_input(self._env.bodies, content)
        await command(self._env, self._id, lambda session: commands.inputs.queue(session, by, input_id, kind, blocks))
