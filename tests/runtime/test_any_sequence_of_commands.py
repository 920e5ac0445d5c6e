"""Whatever people, models and workers do, in whatever order, the log stays a valid story."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Literal, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from turnlog.domain import (
    ModelDelta,
    ModelError,
    ModelReply,
    ModelRequest,
    Resolution,
    Scope,
    Session,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolCallDenied,
    ToolCallFinished,
    ToolOutcomeResolved,
    TurnlogError,
    every_call,
    fold,
)
from turnlog.projections import METADATA, conversation_problems, project
from turnlog.runtime import PermissionDecision, RuleDraft, SessionHandle, history

from .world import Crash, TickingClock, World, check_log, tool

T = TypeVar("T")
Block = Literal["text", "blank", "thinking", "look", "mark", "send", "boom", "die", "nobody", "nonsense"]
Answer = tuple[Block, ...] | Literal["busy", "broken", "gone"]

BLOCKS: tuple[Block, ...] = ("text", "blank", "thinking", "look", "mark", "send", "boom", "die", "nobody", "nonsense")
ANSWERS: st.SearchStrategy[Answer] = st.one_of(
    st.lists(st.sampled_from(BLOCKS), max_size=4).map(tuple), st.sampled_from(("busy", "broken", "gone"))
)
SCOPES: tuple[Scope | None, ...] = (None, "session", "project", "global")
RESOLUTIONS: tuple[Resolution | None, ...] = (None, "did", "did_not", "retry")
ENDS = (ToolCallFinished, ToolCallDenied, ToolOutcomeResolved)


class Oracle:
    """A model that answers what it is given, and plainly when it is given nothing more."""

    name = "scripted:oracle"

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.problems: list[str] = []
        self._calls = 0

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        self.problems += conversation_problems(request.messages)
        yield ModelDelta("text", "…")
        answer = self.answers.popleft() if self.answers else ("text",)
        match answer:
            case "busy":
                raise ModelError("overloaded", "busy", retryable=True)
            case "broken":
                raise ModelError("rejected", "no")
            case "gone":
                raise Crash
            case tuple():
                yield ModelReply(tuple(self._block(kind) for kind in answer))

    def _block(self, kind: Block) -> TextBlock | ThinkingBlock | ToolCallBlock:
        match kind:
            case "text" | "blank":
                return TextBlock(text="Fine." if kind == "text" else " ")
            case "thinking":
                return ThinkingBlock(text="hm", model=self.name)
            case _:
                self._calls += 1
                arguments = "{" if kind == "nonsense" else "{}"
                name = "look" if kind == "nonsense" else kind
                return ToolCallBlock(call_id=f"c{self._calls % 3}", name=name, arguments=arguments)


@tool(effect="pure")
async def look() -> str:
    """Look."""
    return "seen"


@tool(effect="idempotent")
async def mark() -> str:
    """Mark."""
    return "x" * 9_000


@tool
async def send() -> str:
    """Send."""
    return "sent"


@tool(effect="pure")
async def boom() -> str:
    """Fail."""
    raise RuntimeError("boom")


@tool
async def die() -> str:
    """Take the worker along."""
    raise Crash


class AnySequence(RuleBasedStateMachine):
    """Sessions of one turnlog in memory, with everything that can be done to them."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.world = World("memory:", clock=TickingClock())
        self.oracle = Oracle()
        self.sessions: list[SessionHandle] = []
        self.sessions.append(self._do(self.world.session(self.oracle, look, mark, send, boom, die, project="p")))

    @rule(which=st.integers(0, 9), answers=st.lists(ANSWERS, max_size=4))
    def say(self, which: int, answers: list[Answer]) -> None:
        self.oracle.answers.extend(answers)
        self._try(self._session(which).append_turn("Go on."))

    @rule(which=st.integers(0, 9), unknown=st.sampled_from(RESOLUTIONS), answers=st.lists(ANSWERS, max_size=3))
    def resume(self, which: int, unknown: Resolution | None, answers: list[Answer]) -> None:
        self.oracle.answers.extend(answers)
        self._try(self._session(which).resume_turn(unknown=unknown))

    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        self._try(self._session(which).cancel("enough"))

    @rule(which=st.integers(0, 9), place=st.integers(1, 6), answers=st.lists(ANSWERS, max_size=3))
    def stop_the_task(self, which: int, place: int, answers: list[Answer]) -> None:
        self.oracle.answers.extend(answers)
        self._try(self._stopped(self._session(which), place))

    @rule(which=st.integers(0, 9), title=st.text(max_size=5))
    def rename(self, which: int, title: str) -> None:
        self._try(self._session(which).rename(title))

    @rule(which=st.integers(0, 9), at=st.integers(1, 60), keep=st.booleans())
    def fork(self, which: int, at: int, keep: bool) -> None:
        if len(self.sessions) < 5:
            version = self._do(self._session(which).metadata()).version
            child = self._do(self._session(which).fork(1 + at % version, keep_grants=keep))
            self.sessions.append(child)

    @rule(dice=st.integers(0, 9), yes=st.booleans(), scope=st.sampled_from(SCOPES))
    def answer(self, dice: int, yes: bool, scope: Scope | None) -> None:
        pending = self._do(self.world.turnlog.approvals())
        if pending:
            request_id = pending[dice % len(pending)].request_id
            self._try(self.world.turnlog.resolve_permission(request_id, PermissionDecision(yes, "so", scope)))

    @rule(dice=st.integers(0, 9), which=st.integers(0, 9), allow=st.booleans(), own=st.booleans())
    def change_the_rules(self, dice: int, which: int, allow: bool, own: bool) -> None:
        session_id = self._session(which).id if own else None
        rules = self._do(self.world.turnlog.rules(session_id))
        if len(rules) > 2:
            self._try(self.world.turnlog.revoke_rule(rules[dice % len(rules)].rule_id, session_id=session_id))
        else:
            name = ("look", "mark", "send")[dice % 3]
            made = every_call("allow" if allow else "deny", name)
            self._try(self.world.turnlog.add_rule(RuleDraft(made, session_id=session_id)))

    @rule(hours=st.sampled_from((1, 30)))
    def pass_time(self, hours: int) -> None:
        self.world.clock.advance(hours * 3600)

    @invariant()
    def every_log_is_a_valid_story(self) -> None:
        for session in self.sessions:
            self._do(check_log(self.world, session.id))

    @invariant()
    def no_model_was_sent_a_conversation_it_would_refuse(self) -> None:
        assert self.oracle.problems == []

    @invariant()
    def lists_say_what_the_story_says(self) -> None:
        listed = {found.id: found for found in self._do(self.world.turnlog.list_sessions())}
        assert set(listed) == {session.id for session in self.sessions}
        for session in self.sessions:
            records = self._do(history(self.world.log, session.id))
            story, metadata = fold(Session(session.id), records), project(METADATA, records)
            assert metadata is not None
            assert (metadata.status, metadata.version) == (story.status, story.version)
            assert (metadata.turn_count, metadata.title) == (story.completed_turns, story.title)
            assert listed[session.id].turn_count == story.completed_turns
            pending = story.turn.requests if story.turn is not None else ()
            assert sorted(metadata.pending) == sorted(each.request_id for each in pending if each.state == "pending")

    @invariant()
    def no_call_ends_twice(self) -> None:
        for session in self.sessions:
            ends = [event for event in self._do(self.world.events(session.id)) if isinstance(event, ENDS)]
            final = [e.call_id for e in ends if not (isinstance(e, ToolOutcomeResolved) and e.resolution == "retry")]
            assert len(final) == len(set(final))

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self._do(self.world.close())
            self.runner.close()

    def _session(self, which: int) -> SessionHandle:
        return self.sessions[which % len(self.sessions)]

    async def _stopped(self, session: SessionHandle, place: int) -> None:
        turn = asyncio.create_task(session.append_turn("Stop."))
        count = len(self.world.log.written) + place

        def stop(changes: object) -> None:
            if len(self.world.log.written) == count:
                turn.cancel()

        self.world.log.after = stop
        try:
            await asyncio.gather(turn, return_exceptions=True)
        finally:
            self.world.log.after = lambda changes: None

    def _try(self, work: Coroutine[Any, Any, object]) -> None:
        """What turnlog refuses with an error of its own is no fault; neither is a worker that died."""
        try:
            self._do(work)
        except (TurnlogError, Crash):
            pass
        except BaseExceptionGroup as group:
            if group.subgroup(Crash) is None:
                raise

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


AnySequence.TestCase.settings = settings(
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
)
TestAnySequence = AnySequence.TestCase
