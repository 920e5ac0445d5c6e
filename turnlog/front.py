"""The front door: open a log, create sessions, look at any of them at any version."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from turnlog.domain import STANDARD, InvalidInput, Wanted, clean

from . import runtime
from .opening import Opening
from .runtime.workers.work_reports import TellWork, silent

if TYPE_CHECKING:  # what few commands need is imported by those: showing a session must not wait for it
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType
    from typing import IO

    from turnlog.domain import (
        Body,
        Embedder,
        Limits,
        Model,
        ModelSettings,
        PermissionRule,
        Policy,
        Resolution,
        Rule,
        Tool,
        ToolSearch,
    )
    from turnlog.projections import Approval, CallRow, Found, Metadata, Row, SessionQuery, UnknownCall

    from .moment import Diff, Moment
    from .runtime import (
        Approvals,
        At,
        Authorizer,
        Comparison,
        Environment,
        Follower,
        Hook,
        Index,
        Outcome,
        PermissionDecision,
        Projections,
        ProjectMemory,
        ReplayModel,
        RuleDraft,
        SessionHandle,
        Settings,
        SubagentTemplate,
        Tasks,
    )
    from .runtime.exchange.exporting import BlobsIn, ExportFormat
    from .runtime.exchange.importing import Imported
    from .runtime.explaining.whatif import BlastRadius, Difference, Progress, Trial
    from .runtime.explaining.whatif import Outcome as Effects
    from .runtime.replay.replaying import Replayed
    from .runtime.rerun.plans import RerunPlan
    from .runtime.rerun.rerunning import Reran, RerunHandle
    from .runtime.time_travel.bisecting import Bisection
    from .runtime.time_travel.bisecting import Progress as BisectProgress
    from .runtime.time_travel.blaming import Blame
    from .runtime.time_travel.rewinding import Rewound, Standing
    from .runtime.workers.pool import PoolSettings


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

    @cached_property
    def projections(self) -> Projections:
        """The tables beside the log."""
        return runtime.Projections(self._env)

    @cached_property
    def _index(self) -> Index:
        return runtime.Index(self._env.log)

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
        secrets: Mapping[str, str] | None = None,
        state: Sequence[object] = (),
        subagents: Sequence[SubagentTemplate] = (),
    ) -> Opening[Turnlog]:
        """Open the log at a URL: `async with Turnlog.open("sqlite:///turnlog.db") as log`.

        URLs are `sqlite:///PATH`, `postgresql://…` and `memory:`. A new SQLite file is set up on the way; Postgres
        needs `turnlog db migrate` first. `user` is who gives commands (default: the login name). `strict` first runs
        the checks of `turnlog doctor`, and refuses a database that fails one, also one that is not there yet. `hooks`
        are asked and told in every session, before those of the session. `policy` is that of new sessions which name
        none; `authorizer` is asked about every call that no rule denies, before a person is. `secrets` are values by
        name that tools get where their spec says so, and that are taken out of all they return; `state` are values that
        tools get by their type. `subagents` are kinds of subagents, by name, for the tool `task` and for
        `spawn_subagent`.
        Raises InvalidInput, SchemaMissing, SchemaNewer, StoreError; UnsafeStore where `strict`.
        """
        from .wiring import open_turnlog, require_safe

        def open_() -> Turnlog:
            if strict:
                require_safe(url)
            return open_turnlog(
                url,
                settings or runtime.Settings(),
                user,
                hooks=runtime.in_order(hooks),
                policy=policy,
                authorizer=authorizer,
                secrets=dict(secrets or {}),
                state=runtime.by_type(state),
                subagents=runtime.by_name(subagents),
            )

        return Opening(open_)

    async def close(self) -> None:
        """Stop background tasks, finish what is under way and close every connection.

        All of it is done although its caller is cancelled.
        """
        async with AsyncExitStack() as last_first:
            last_first.push_async_callback(self._close)
            last_first.push_async_callback(self._env.pulse.close)
            last_first.push_async_callback(self._env.background.close)
            await runtime.end_agents(self._env)

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
        tags: Sequence[str] = (),
        memory: bool = False,
        profiles: Mapping[str, Sequence[str]] | None = None,
        profile: str | None = None,
        deferred: Sequence[str] = (),
        tool_search: ToolSearch = "find_tools",
    ) -> SessionHandle:
        """Begin a session. Tools are your own, or the names of built-in ones; `workspace` is what they may touch.

        `model` is a model, its `provider:model` name, or a provider's name alone for its newest model, which is then
        recorded by its full name. `settings` are for the model; `limits` hold for all turns together. `hooks` belong to
        the handle, as tools of your own do: whoever opens the session again gives them again. `policy` says how calls
        are judged; the session keeps it (None: that of the log as it was opened). Tools that run
        programs need one whose bounds switch that on. `tags` are to find it by. With `memory` what its project has
        pinned is put in front of each turn. `profiles` are names of tools by a name for them, `profile` is the one in
        force (None: all tools); tools `deferred` are shown to the model once it has found them: by the tool
        `find_tools`, or with `tool_search` "provider" by its provider, where that searches tools.

        Raises InvalidInput, ModelError, StoreError.
        """
        new = runtime.NewSession(
            title,
            model,
            tools,
            system,
            project,
            workspace,
            settings,
            limits,
            hooks,
            policy,
            tags,
            memory,
            profiles,
            profile,
            deferred,
            tool_search,
        )
        return await runtime.create_session(self._env, new)

    async def open_session(
        self, session_id: str, *, model: Model | None = None, tools: Sequence[Tool] = (), hooks: Sequence[Hook] = ()
    ) -> SessionHandle:
        """The session with this id, the same one for ever. Tools and hooks of your own have to be given again.

        Raises NotFound, InvalidInput, StoreError.
        """
        return await runtime.open_session(self._env, session_id, model, tools, hooks)

    async def work(  # noqa: PLR0913 - named, and none changes what another means
        self,
        *,
        tools: Sequence[Tool] = (),
        models: Sequence[Model] = (),
        hooks: Sequence[Hook] = (),
        concurrency: int | None = None,
        until_idle: bool | None = None,
        settings: PoolSettings | None = None,
        tell: TellWork = silent,
    ) -> None:
        """Run sessions that nobody runs, so many at a time, for ever; or until there are none left.

        `concurrency` and `until_idle` stand in place of those of `settings`, where they are given: 10, and for ever.
        `tools`, `models` and `hooks` are your own, which no log can hold; a model is used where a session names it.
        `tell` hears what is done. Any number of processes may work on one log. Cancelling it once lets every session
        end its step and gives it back, for another worker to go on; cancelling it again breaks the steps off.
        Raises InvalidInput; StoreError where it is to end.
        """
        from .runtime.workers.claiming import PoolMeans
        from .runtime.workers.pool import Pool, PoolSettings
        from .runtime.workers.runnable import RunnableSessions

        pooled = settings or PoolSettings()
        if concurrency is not None:
            pooled = replace(pooled, concurrency=concurrency)
        if until_idle is not None:
            pooled = replace(pooled, until_idle=until_idle)
        if pooled.concurrency < 1:
            raise InvalidInput(f"{pooled.concurrency} sessions at a time are none; give at least 1")
        sessions = RunnableSessions(self._env, self.projections, pooled.sweep_seconds)
        means = PoolMeans(
            {tool.spec.name: tool for tool in tools},
            {model.name: model for model in models},
            runtime.in_order((*self._env.hooks, *hooks)),
        )
        await Pool(self._env, sessions, means, pooled, tell).run()

    async def list_sessions(self, query: SessionQuery | None = None) -> list[Metadata]:
        """All sessions, the latest changed first; or those that `query` asks for, as it orders them.

        Raises InvalidInput, StoreError, CorruptRecord.
        """
        from turnlog.projections import SessionQuery

        return await self.projections.sessions(query or SessionQuery(), self._index)

    async def usage(self, session_id: str | None = None, *, tree: bool = False) -> list[Row]:
        """What answers took, by session, turn, model and day: of all sessions, or of one; `projections.summed` adds up.

        A session counts from where it was forked; with its `tree` all that were begun from it count, too.
        Raises NotFound, StoreError, CorruptRecord.
        """
        return await runtime.usage_of(self._env, self.projections, self._index, session_id, tree=tree)

    async def search(self, text: str, *, session_id: str | None = None, limit: int = 20) -> list[Found]:
        """The texts in which all words stand, the latest first; `projections.search` has more.

        Raises InvalidInput, ProjectionStopped, StoreError.
        """
        return await self.projections.search(text, session_id=session_id, limit=limit)

    async def catch_up(self) -> None:
        """Bring the tables beside the log up to its end. Raises ProjectionStopped, StoreError."""
        await self.projections.catch_up()

    async def find_session(self, prefix: str) -> str:
        """The one session id that begins so. Raises NotFound, InvalidInput, StoreError."""
        return await runtime.find_session(self._env.log, prefix)

    async def find_sessions(self, prefix: str, limit: int = 50) -> list[str]:
        """The ids of sessions that begin so, in order, at most so many. Raises StoreError."""
        return await runtime.find_sessions(self._env.log, prefix, limit)

    async def show(self, session_id: str, at: At = None) -> Moment:
        """A session as it stood: at a version, a time, or a point such as `{turn:3}` or `{error}` (None: now).

        Raises NotFound, InvalidInput, StoreError.
        """
        from .moment import Moment

        return Moment.of(session_id, await runtime.history_at(self._env.log, session_id, at))

    async def diff(self, before: str, after: str) -> Diff:
        """What changed between two addresses, such as `ID@3` and `ID@{turn:2}`, of one session or of forks.

        Raises NotFound, InvalidInput, StoreError.
        """
        from .moment import Diff, Moment

        first, second = [Moment.of(*await runtime.found_at(self._env.log, address)) for address in (before, after)]
        return Diff.of(first, second)

    async def blame(self, session_id: str, path: str = "", at: At = None) -> Blame:
        """Which events wrote the part of the state at a path, such as `rules.r1.effect` or `/messages/3`.

        Raises NotFound, InvalidInput, StoreError.
        """
        from .runtime.time_travel.blaming import blame
        from .runtime.time_travel.paths import parse_path

        steps, history = parse_path(path), await runtime.history_at(self._env.log, session_id, at)
        return await asyncio.to_thread(blame, session_id, history, steps)

    async def bisect(
        self,
        session_id: str,
        predicate: str,
        at: At = None,
        progress: BisectProgress = lambda looked, versions: None,
    ) -> Bisection:
        """At which versions a predicate over the state holds, such as `len(messages) > 10`.

        `progress` is called on the loop.

        Raises InvalidInput, NotFound where it never does, StoreError.
        """
        from .runtime.time_travel.bisecting import bisect_in_thread

        history = await runtime.history_at(self._env.log, session_id, at)
        return await bisect_in_thread(session_id, history, predicate, progress)

    async def compare(self, one: str, other: str) -> Comparison:
        """Two sessions side by side, by their addresses. Raises NotFound, InvalidInput, StoreError."""
        left, right = [await runtime.found_at(self._env.log, address) for address in (one, other)]
        return await asyncio.to_thread(runtime.compare, left, right)

    async def fork(  # noqa: PLR0913 - named, and none changes what another means
        self,
        session_id: str,
        at: At = None,
        *,
        title: str | None = None,
        model: str | Model | None = None,
        system: str | None = None,
        tools: Sequence[str | Tool] | None = None,
        keep_grants: bool = False,
    ) -> SessionHandle:
        """A new session that goes on from another at a point, alike but for what is named.

        Nothing is copied, and the other stays as it is. What that was allowed is dropped unless `keep_grants`.
        Raises NotFound, InvalidInput, ModelError, StoreError.
        """
        new = runtime.NewFork(title, model, system, tools, keep_grants)
        child = await runtime.fork_session(self._env, session_id, at, new)
        return runtime.SessionHandle(self._env, child, model=new.own_model, tools=new.own_tools)

    async def rewind(self, session_id: str, at: At, *, reason: str = "", keep_grants: bool = False) -> Rewound:
        """Have a fork from a point take the session's place, which accepts no further turn and names its successor.

        A turn in progress is cancelled. What is on disk and in the world stays as it is: `Rewound.standing` says what.
        Raises NotFound, CommandRefused, InvalidInput, StoreError.
        """
        from .runtime.time_travel.rewinding import rewind

        return await rewind(self._env, session_id, at, runtime.NewFork(keep_grants=keep_grants), reason)

    async def standing(self, session_id: str, at: At) -> Standing:
        """What rewinding a session to a point would not undo. Raises NotFound, InvalidInput, StoreError."""
        from .runtime.time_travel.rewinding import standing_after

        return (await standing_after(self._env, session_id, at))[1]

    async def replay_model(self, session_id: str, turn: int | None = None) -> ReplayModel:
        """A model that gives the recorded answers of a session, or of one turn counted from 1, to the same requests.

        Raises NotFound, InvalidInput, StoreError.
        """
        return await runtime.ReplayModel.of(self._env, session_id, turn)

    async def replay_session(
        self, address: str, *, tools: Sequence[Tool] = (), rules: Sequence[PermissionRule] = ()
    ) -> Replayed:
        """Run the turns of a session again on what models and tools answered, until something would be otherwise.

        No tool runs, no model is asked, nothing is written. Own tools are given for what they say of themselves;
        `rules` are tried beside those that were in force. Raises NotFound, InvalidInput, BlobMissing, BlobDamaged,
        StoreError.
        """
        session_id, led_to_it = await runtime.found_at(self._env.log, address)
        from .runtime.replay.replaying import replay_session

        return await replay_session(self._env, session_id, led_to_it, tools, rules)

    async def plan_rerun(self, address: str, model: str | None = None) -> RerunPlan:
        """What `rerun` would do, and an estimate of what it costs; without a point, from where the last turn began.

        Raises NotFound, InvalidInput, StoreError.
        """
        from .runtime.rerun.plans import plan_rerun

        return await plan_rerun(self._env, address, model)

    async def begin_rerun(  # noqa: PLR0913 - named, and none changes what another means
        self,
        address: str,
        *,
        model: str | Model | None = None,
        tools: Sequence[Tool] = (),
        hooks: Sequence[Hook] = (),
        title: str | None = None,
        recorded_only: bool = False,
        keep_grants: bool = False,
    ) -> RerunHandle:
        """The fork that `rerun` runs, before anything has run in it. Raises as `rerun` does before it runs."""
        from .runtime.rerun.rerunning import NewRerun, begin_rerun

        new = NewRerun(model, tools, hooks, title, recorded_only, keep_grants)
        return await begin_rerun(self._env, address, new)

    async def open_rerun(
        self, session_id: str, *, model: Model | None = None, tools: Sequence[Tool] = (), hooks: Sequence[Hook] = ()
    ) -> RerunHandle:
        """A rerun to go on with, by the id of its fork: `run` does what is left.

        Raises NotFound, NothingToResume where the session is no rerun, InvalidInput, StoreError.
        """
        from .runtime.rerun.rerunning import open_rerun

        return await open_rerun(self._env, session_id, model, tools, hooks)

    async def rerun(  # noqa: PLR0913 - named, and none changes what another means
        self,
        address: str,
        *,
        model: str | Model | None = None,
        tools: Sequence[Tool] = (),
        hooks: Sequence[Hook] = (),
        title: str | None = None,
        recorded_only: bool = False,
        keep_grants: bool = False,
        approvals: Approvals = "suspend",
    ) -> Reran:
        """Run what came after a point of a session again: live, in a fork, with another model (None: the same one).

        A call that is on record after that point, by the same tool with the same arguments, has the recorded result, in
        the order of the record and each once; others run, or are denied if `recorded_only`. All calls are judged first.
        Without a point in the address it begins where the last turn began. Own tools have to be given again.
        Raises NotFound, InvalidInput, ModelError, StoreError, and as `SessionHandle.append_turn`.
        """
        begun = await self.begin_rerun(
            address,
            model=model,
            tools=tools,
            hooks=hooks,
            title=title,
            recorded_only=recorded_only,
            keep_grants=keep_grants,
        )
        return await begun.run(approvals)

    def follow(
        self,
        after: int = 0,
        *,
        streams: str | Collection[str] | None = None,
        kinds: str | Collection[str] | None = None,
        patience: float | None = None,
    ) -> Follower:
        """Every event after a position, then live: of all sessions and rule books, or of the streams named.

        Of all kinds, or of those named: events such as `ToolCallFinished`, families such as `permission`.

        Each event once, in the one order over all streams; `Recorded.position` is where to go on from. Bears with a
        database that is away for `patience` seconds (default: the settings' `away_seconds`). Raises InvalidInput,
        StoreError.
        """
        return runtime.follow_all(self._env, after, Wanted.of(streams, kinds), patience=patience)

    async def text(self, body: Body) -> str:
        """The whole text of a body. Raises BlobMissing, BlobDamaged, StoreError."""
        return await self._env.bodies.text(body)

    async def readable(self, body: Body) -> str:
        """The text of a body for people: of one that is missing or damaged its beginning, and a line that says so.

        Raises StoreError where the database is away.
        """
        return await self._env.bodies.readable(body)

    # What projects share

    def tasks(self, project: str) -> Tasks:
        """The task board of a project; one that nobody used yet is empty. `session.tasks()` is that of a session."""
        return runtime.tasks_of_project(self._env, project)

    def memory(self, project: str, *, embedder: Embedder | None = None) -> ProjectMemory:
        """What is known in a project. With an `embedder` it is searched by meaning as well as by words."""
        from turnlog.domain import memory_stream

        return runtime.ProjectMemory(self._env, memory_stream(clean(project), ""), embedder)

    # Other logs and tools

    def export(
        self,
        session_id: str,
        at: int | None = None,
        *,
        format: ExportFormat = "jsonl",
        blobs: BlobsIn = "include",
        cited_rules: bool = False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> AsyncGenerator[bytes, None]:
        """A session at a version (None: now) as pieces of a file, in turnlog's own format or as others take it.

        `jsonl` is what `import_` reads: with its bodies or only their hashes, and with the rule books as far as the
        session's decisions cite them; `progress` is told how many of its events are written, and how many there are.
        Raises NotFound, InvalidInput, VerificationFailed, BlobMissing, BlobDamaged, StoreError.
        """
        from .runtime.exchange.exporting import Export, export_session

        return export_session(self._env, session_id, at, Export(format, blobs, cited_rules, progress))

    async def import_(self, source: IO[bytes], *, take_rules: bool = False) -> Imported:
        """Take in what `export` wrote as `jsonl`, from a file opened in binary: to the last byte, or nothing of it.

        Rules that would be in force for other sessions too are refused unless `take_rules`. Raises InvalidInput,
        VerificationFailed, Conflict where another session has the id, NotFound, StoreError.
        """
        from .runtime.exchange.importing import import_session

        return await import_session(self._env, source, take_rules=take_rules)

    # Permissions

    async def approvals(self) -> list[Approval]:
        """The questions nobody has answered, oldest first. Raises StoreError, CorruptRecord."""
        return await self._index.approvals()

    async def find_request(self, prefix: str) -> Approval:
        """The one pending request whose id begins so. Raises NotFound, InvalidInput, StoreError."""
        return await runtime.find_request(self._index, prefix)

    async def resolve_permission(self, request_id: str, decision: PermissionDecision) -> Resolved:
        """Answer a request of any session, by the beginning of its id.

        Raises NotFound, CommandRefused, InvalidInput, BlobMissing, BlobDamaged, StoreError.
        """
        found = await self.find_request(request_id)
        return Resolved(found, await runtime.resolve(self._env, found.session_id, found.request_id, decision))

    async def unknown_calls(self) -> list[UnknownCall]:
        """The calls of all sessions whose outcome nobody knows and somebody may say, oldest first.

        Raises StoreError, CorruptRecord.
        """
        return await self._index.unknown_calls()

    async def resolve_unknown(
        self, session_id: str, call_id: str, resolution: Resolution, reason: str = "", *, result: str | None = None
    ) -> CallRow:
        """Say what became of a call, by the beginnings of its session's id and its own; the call as it stands then.

        No model or tool is loaded; the session goes on when somebody resumes it, or a worker takes it up.
        The first word counts, a late one changes nothing. `result` is what a call that `did` returned, as far as you
        know. Raises NotFound, CommandRefused, InvalidInput, StoreError.
        """
        session = await self.find_session(session_id)
        call = await runtime.find_call(self._env, session, call_id)
        await runtime.resolve_unknown(self._env, session, call.call_id, runtime.OutcomeWord(resolution, reason, result))
        return await runtime.find_call(self._env, session, call.call_id)

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
        return await runtime.list_rules(self._env, session_id, at, project)

    async def add_rule(self, rule: RuleDraft) -> str:
        """Add a rule by hand; its id. Raises InvalidInput, NotFound, StoreError."""
        return await runtime.add_rule(self._env, rule)

    async def revoke_rule(self, rule_id: str, reason: str = "", *, session_id: str | None = None) -> Rule:
        """Take the one rule whose id begins so out of force. Raises NotFound, InvalidInput, StoreError."""
        return await runtime.revoke_rule(self._env, rule_id, reason, session_id)

    async def with_books(self, trial: Trial) -> Trial:
        """Rules to be tried, together with those of all books that are in force. Raises StoreError, CorruptRecord."""
        from .runtime.explaining.whatif import with_books

        return await with_books(self._env, trial)

    async def whatif(
        self, trial: Trial, tell: Callable[[Difference], None], progress: Progress = lambda position, end: None
    ) -> Effects:
        """Try rules on all recorded calls, and tell what they would change. Raises StoreError, CorruptRecord."""
        from .runtime.explaining.whatif import whatif

        return await whatif(self._env, trial, tell, progress)

    async def blast_radius(self, approval: Approval) -> BlastRadius:
        """How many recorded calls the exact rule, and then each proposed one, would have allowed.

        Raises StoreError, CorruptRecord.
        """
        from turnlog.domain import ExactCall

        from .runtime.explaining.whatif import blast_radius

        exact = ExactCall(digest=approval.exact or approval.digest, shown="")
        proposed = (proposal.matcher for proposal in approval.proposals)
        return await blast_radius(self._env, approval.tool, (exact, *proposed))

    # Inside

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
