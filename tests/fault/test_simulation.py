"""Histories of people, processes and faults nobody would write down, and what holds in all of them."""

from collections.abc import Callable, Coroutine
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from turnlog.domain import NothingToResume, Resolution, Scope, every_call
from turnlog.runtime import PermissionDecision, RuleDraft, SessionHandle

from .simulated import Answer, FaultName, Process, Simulation

WORDS = ("text", "look", "mark", "send", "send")
ANSWERS: st.SearchStrategy[list[Answer]] = st.lists(
    st.one_of(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(tuple), st.sampled_from(("busy", "broken"))),
    min_size=1,
    max_size=4,
)
RESOLUTIONS: tuple[Resolution | None, ...] = (None, "did", "did_not", "retry")
SCOPES: tuple[Scope | None, ...] = (None, "session", "global")
FAULTS: tuple[FaultName, ...] = ("crash", "fail", "yield")
ANY = st.integers(0, 9)

Work = Callable[[SessionHandle], Coroutine[Any, Any, object]]


class Histories(RuleBasedStateMachine):
    """Sessions in one log, and two processes that are replaced when they die."""

    @initialize(free=st.booleans())
    def begin(self, free: bool) -> None:
        self.sim = Simulation()
        first = self.sim.processes[0].turnlog
        self.sim.do(first.create_session("A session", model=self.sim.oracle, tools=self.sim.own, project="p"))
        if free:
            for name in ("mark", "send"):
                self.sim.do(first.add_rule(RuleDraft(every_call("allow", name))))

    @rule(which=ANY, who=ANY, answers=ANSWERS, fault=st.sampled_from(FAULTS), distance=st.integers(1, 15))
    def say_and_fail(self, which: int, who: int, answers: list[Answer], fault: FaultName, distance: int) -> None:
        self.plan_a_fault(who, fault, distance)
        self.say(which, who, answers, waits=True)

    @rule(which=ANY, who=ANY, yes=st.booleans(), unknown=st.sampled_from(RESOLUTIONS), answers=ANSWERS)
    def answer_and_resume(
        self, which: int, who: int, yes: bool, unknown: Resolution | None, answers: list[Answer]
    ) -> None:
        self.answer(who, which, yes, None)
        self.settle()
        self.resume(which, who, unknown, answers, waits=True)

    @rule(which=ANY, who=ANY, answers=ANSWERS, waits=st.booleans())
    def say(self, which: int, who: int, answers: list[Answer], waits: bool) -> None:
        self.sim.oracle.answers.extend(answers)
        self._begin(which, who, lambda session: session.append_turn("Go.", approvals="suspend"), settle=waits)

    @rule(which=ANY, who=ANY, unknown=st.sampled_from(RESOLUTIONS), answers=ANSWERS, waits=st.booleans())
    def resume(self, which: int, who: int, unknown: Resolution | None, answers: list[Answer], waits: bool) -> None:
        self.sim.oracle.answers.extend(answers)
        self._begin(which, who, lambda session: session.resume_turn(unknown=unknown), settle=waits)

    @rule(which=ANY, who=ANY, answers=ANSWERS)
    def take_over(self, which: int, who: int, answers: list[Answer]) -> None:
        self.sim.oracle.answers.extend(answers)
        self._begin(which, who, lambda session: session.resume_turn(take_over=True), settle=False)

    @rule(which=ANY, who=ANY, unknown=st.sampled_from(RESOLUTIONS), take_over=st.booleans())
    def hand_over(self, which: int, who: int, unknown: Resolution | None, take_over: bool) -> None:
        self._begin(which, who, lambda session: session.hand_over_turn(unknown=unknown, take_over=take_over))

    @rule(which=ANY, who=ANY, what=st.sampled_from(("cancel", "stop", "steer", "follow_up", "rename", "rewind")))
    def command(self, which: int, who: int, what: str) -> None:
        match what:
            case "cancel" | "stop":
                self._begin(which, who, lambda session: getattr(session, what)("enough"), settle=False)
            case "steer" | "follow_up" | "rename":
                self._begin(which, who, lambda session: getattr(session, what)("And then?"), settle=False)
            case _:
                if len(self.sim.sessions()) < 4:
                    process = self._process(who)
                    session_id = self._session(which)
                    self.sim.begin(process, lambda: process.turnlog.rewind(session_id, 1))

    @rule(which=ANY, who=ANY, at=st.integers(1, 40), keep=st.booleans())
    def fork(self, which: int, who: int, at: int, keep: bool) -> None:
        if len(self.sim.sessions()) < 4:
            version = self.sim.do(self.sim.log.read(self._session(which)))[-1].version
            self._begin(which, who, lambda session: session.fork(1 + at % version, keep_grants=keep), settle=False)

    @rule(who=ANY, dice=ANY, yes=st.booleans(), scope=st.sampled_from(SCOPES))
    def answer(self, who: int, dice: int, yes: bool, scope: Scope | None) -> None:
        process = self._process(who)
        pending = self.sim.do(process.turnlog.approvals())
        if pending:
            request_id = pending[dice % len(pending)].request_id
            decision = PermissionDecision(yes, "so", scope)
            self.sim.begin(process, lambda: process.turnlog.resolve_permission(request_id, decision))

    @rule(which=ANY, who=ANY, resolution=st.sampled_from(("did", "did_not", "retry")))
    def resolve_unknown(self, which: int, who: int, resolution: Resolution) -> None:
        turn = self.sim.do(self.sim.do(self.sim.opened(self._process(who), self._session(which))).state()).turn
        unknown = [call.call_id for call in turn.calls if call.state == "unknown"] if turn else []
        if unknown:
            self._begin(which, who, lambda session: session.resolve_unknown(unknown[0], resolution))

    @rule(who=ANY, dice=ANY, allow=st.booleans())
    def change_the_rules(self, who: int, dice: int, allow: bool) -> None:
        process, name = self._process(who), ("look", "mark", "send")[dice % 3]
        made = every_call("allow" if allow else "deny", name)
        self.sim.begin(process, lambda: process.turnlog.add_rule(RuleDraft(made)))

    @rule(who=ANY, fault=st.sampled_from(FAULTS), distance=st.integers(1, 15))
    def plan_a_fault(self, who: int, fault: FaultName, distance: int) -> None:
        process = self._process(who)
        process.fault, process.distance = fault, distance

    @rule(who=ANY, news=st.sampled_from(("wake", "miss", None)))
    def disturb_the_news(self, who: int, news: Literal["wake", "miss"] | None) -> None:
        self._process(who).news = news

    @rule(who=ANY)
    def kill(self, who: int) -> None:
        self._process(who).dead = True

    @rule(hours=st.sampled_from((1, 30)))
    def pass_time(self, hours: int) -> None:
        self.sim.clock.advance(hours * 3600)

    @rule()
    def settle(self) -> None:
        self.sim.do(self.sim.settle())

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert self.sim.do(self.sim.problems()) == []

    def teardown(self) -> None:
        if not hasattr(self, "sim"):
            return
        try:
            self._heal()
        finally:
            self.sim.runner.close()

    def _heal(self) -> None:
        """Without faults a new process brings every session to an end, or to where a person has to decide."""
        for process in self.sim.processes:
            process.fault, process.news = None, None
        self.sim.do(self.sim.settle())
        said = [self.sim.do(self._finish(session_id)) for session_id in self.sim.do(self.sim.unfinished())]
        assert self.sim.do(self.sim.unfinished()) == [], said
        assert self.sim.do(self.sim.problems()) == []
        for session_id in self.sim.sessions():
            self.sim.do(self._resuming_nothing_changes_nothing(session_id))

    async def _finish(self, session_id: str) -> object:
        process = self.sim.processes[0]
        session = await self.sim.opened(process, session_id)
        return await self.sim.tried(process, session.resume_turn())

    async def _resuming_nothing_changes_nothing(self, session_id: str) -> None:
        process, before = self.sim.processes[0], len(self.sim.log.records)
        session = await self.sim.opened(process, session_id)
        state = await session.state()
        if state.status == "idle" and (state.turn is None or state.turn.state == "completed"):
            found = await self.sim.tried(process, session.resume_turn())
            assert isinstance(found, NothingToResume), found
            assert len(self.sim.log.records) == before

    def _begin(self, which: int, who: int, work: Work, settle: bool = False) -> None:
        process, session_id = self._process(who), self._session(which)

        async def run() -> object:
            return await work(await self.sim.opened(process, session_id))

        self.sim.begin(process, run)
        if settle:
            self.settle()

    def _process(self, who: int) -> Process:
        return self.sim.processes[who % len(self.sim.processes)]

    def _session(self, which: int) -> str:
        ids = self.sim.sessions()
        return ids[which % len(ids)]


class ManyHistories(Histories):
    """The same, for an hour in which nobody waits."""


BASE = settings(
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
    # Making an example small takes minutes; the seed that is printed gives the same one again.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
Histories.TestCase.settings = settings(BASE, max_examples=40)
ManyHistories.TestCase.settings = settings(BASE, max_examples=2000)
TestHistories = Histories.TestCase
TestManyHistories = pytest.mark.soak(ManyHistories.TestCase)
