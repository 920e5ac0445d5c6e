"""A session that is lost after a call was announced and before its effect: the effect does not begin."""

import pytest

from turnlog import RuleDraft, every_call
from turnlog.domain import (
    Actor,
    Change,
    Event,
    LeaseTaken,
    Recorded,
    Session,
    SessionLost,
    Stamp,
    ToolCallStarted,
    TurnInterrupted,
    commands,
    fold,
)
from turnlog.testing import VirtualClock

from . import simulated
from .simulated import FakeLog, Simulation


class Stolen(FakeLog):
    """A log in which another writes right behind the announcement of a call."""

    how = "cancelled"

    async def append(self, *changes: Change) -> list[Recorded]:
        recorded = list(await super().append(*changes))
        if any(isinstance(event, ToolCallStarted) for change in changes for event in change.events):
            session = fold(Session(changes[0].stream), await self.read(changes[0].stream))
            await super().append(Change(session.id, session.version, self._deed(session)))
        return recorded

    def _deed(self, session: Session) -> tuple[Event, ...]:
        by = Stamp(at=VirtualClock().now(), actor=Actor(kind="user", id="bo"))
        if self.how == "cancelled":
            return commands.turns.cancel(session, by)
        return (LeaseTaken(**by, epoch=session.epoch + 1, worker="elsewhere"),)


@pytest.mark.parametrize("how", ["cancelled", "taken over"])
def test_no_effect_begins_once_its_worker_has_read_that_the_session_is_lost(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(Stolen, "how", how)
    monkeypatch.setattr(simulated, "FakeLog", Stolen)
    sim = Simulation()
    turnlog = sim.processes[0].turnlog
    sim.do(turnlog.add_rule(RuleDraft(every_call("allow", "send"))))
    session = sim.do(turnlog.create_session("A session", model=sim.oracle, tools=sim.own))
    sim.oracle.answers.append(("send",))
    with pytest.raises((SessionLost, TurnInterrupted)):
        sim.do(session.append_turn("Go."))
    assert sim.effects == []
    sim.runner.close()
