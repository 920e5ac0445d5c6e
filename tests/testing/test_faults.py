"""Faults happen where they were planned, and nowhere else."""

from pathlib import Path

import pytest

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, TurnlogError, allow, tool
from turnlog.domain import InvalidInput, StoreError
from turnlog.front import Turnlog
from turnlog.runtime import PermissionDecision, PermissionRequest, SessionHandle
from turnlog.testing import (
    Crash,
    Fault,
    FaultPlan,
    Ledger,
    Point,
    VirtualClock,
    crash,
    delay,
    fail,
    memory_log,
    miss,
    wake,
)


@tool
async def send(to: str) -> str:
    """Send."""
    return f"sent to {to}"


async def yes(request: PermissionRequest) -> PermissionDecision:
    return allow()


def script() -> ScriptedModel:
    call = ScriptedCall(name="send", arguments={"to": "ada"})
    return ScriptedModel([ScriptedReply(calls=(call,)), "Done."])


async def begun(log: Turnlog) -> SessionHandle:
    return await log.create_session("A session", model=script(), tools=[send])


async def test_a_plan_without_faults_lists_the_points_of_a_run() -> None:
    plan = FaultPlan()
    async with memory_log(plan=plan) as log:
        await (await begun(log)).append_turn("Go.", approvals=yes)
    places = [str(point) for point in plan.points if point.kind != "wait"]
    assert places[:2] == ["append:1:before", "append:1:after"]
    assert places.count("effect:1:before") == places.count("effect:1:after") == 1
    assert [place for place in places if place.startswith("model")] == [
        "model:1:before",
        "model:1:after",
        "model:2:before",
        "model:2:after",
    ]


@pytest.mark.parametrize(
    ("place", "started"),
    [
        ("append:ToolCallStarted:before", 0),
        ("append:ToolCallStarted#1:after", 1),
        ("effect:send:before", 1),
        ("effect:1:after", 1),
    ],
)
async def test_a_turn_crashes_where_it_was_planned(place: str, started: int, tmp_path: Path) -> None:
    plan = FaultPlan({place: crash}, ledger=Ledger(tmp_path / "ledger"))
    async with memory_log(plan=plan) as log:
        session = await begun(log)
        with pytest.raises((Crash, BaseExceptionGroup)) as caught:
            await session.append_turn("Go.", approvals=yes)
        error = caught.value
        assert isinstance(error, Crash) or (isinstance(error, BaseExceptionGroup) and error.subgroup(Crash))
        (call,) = [call for turn in (await session.state(),) if turn.turn for call in turn.turn.calls]
    assert call.attempt == started
    assert len(Ledger(tmp_path / "ledger").entries("send")) == (place == "effect:1:after")
    assert plan.missed == ()


async def test_a_lost_reply_of_an_append_is_an_error_to_the_caller_though_the_event_is_there() -> None:
    async with memory_log(plan=FaultPlan({"append:SessionRenamed:after": fail})) as log:
        session = await begun(log)
        with pytest.raises(StoreError, match="append:2:after"):
            await session.rename("Another")
        assert (await session.metadata()).title == "Another"


async def test_an_append_that_fails_before_it_is_made_leaves_nothing() -> None:
    async with memory_log(plan=FaultPlan({"append:2:before": fail})) as log:
        session = await begun(log)
        with pytest.raises(StoreError):
            await session.rename("Another")
        assert (await session.metadata()).title == "A session"


async def test_a_lost_reply_of_an_effect_is_what_the_model_is_told(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    async with memory_log(plan=FaultPlan({"effect:send:after": fail}, ledger=ledger)) as log:
        session = await begun(log)
        await session.append_turn("Go.", approvals=yes)
        told = str(await session.history())
    assert "fault at effect:1:after" in told
    assert [entry.what for entry in ledger.entries()] == ['send {"to": "ada"}']


async def test_a_model_whose_reply_is_lost_is_asked_again() -> None:
    async with memory_log(plan=FaultPlan({"model:1:after": fail})) as log:
        session = await begun(log)
        reply = await session.append_turn("Go.", approvals=yes)
        assert reply.text == "Done."


async def test_a_delay_passes_on_the_clock_it_is_given() -> None:
    clock = VirtualClock()
    plan = FaultPlan({"effect:send:before": delay(90, clock.sleep)})
    async with memory_log(plan=plan, clock=clock) as log:
        await (await begun(log)).append_turn("Go.", approvals=yes)
    assert 90 in clock.slept


@pytest.mark.parametrize("fault", [wake, miss])
async def test_news_that_come_twice_or_never_only_cost_time(fault: Fault) -> None:
    async def on_waits(point: Point) -> None:
        if point.kind == "wait" and point.moment == "before":
            await fault(point)

    async with memory_log(plan=FaultPlan(otherwise=on_waits)) as log:
        session = await begun(log)
        reply = await session.append_turn("Go.", approvals=yes)
        assert reply.text == "Done."


@pytest.mark.parametrize("place", ["append", "append:1", "append::after", "lunch:1:after", "append:1:during"])
def test_a_place_that_cannot_be_one_is_refused(place: str) -> None:
    with pytest.raises(InvalidInput, match="no place for a fault"):
        FaultPlan({place: crash})


def test_a_place_the_run_never_came_to_is_named() -> None:
    assert FaultPlan({"append:99:after": crash}).missed == ("append:99:after",)


async def test_any_log_opened_while_a_plan_is_active_has_its_faults(tmp_path: Path) -> None:
    with FaultPlan({"append:1:before": fail}).active():
        async with Turnlog.open(f"sqlite:///{tmp_path / 'log.db'}") as log:
            with pytest.raises(TurnlogError, match="fault at append:1:before"):
                await begun(log)
    async with Turnlog.open(f"sqlite:///{tmp_path / 'log.db'}") as log:
        await begun(log)


async def test_a_log_in_memory_has_the_faults_of_a_plan_that_is_active() -> None:
    with FaultPlan({"append:1:before": fail}).active():
        async with memory_log() as log:
            with pytest.raises(StoreError, match="fault at append:1:before"):
                await begun(log)


def test_a_plan_inside_another_is_refused() -> None:
    with FaultPlan().active(), pytest.raises(InvalidInput), FaultPlan().active():
        pass


async def test_a_log_in_memory_with_a_plan_of_its_own_is_refused_inside_another() -> None:
    with FaultPlan().active(), pytest.raises(InvalidInput, match="one plan"):
        await memory_log(plan=FaultPlan())


async def test_a_model_under_a_plan_has_the_window_it_has_without() -> None:
    """Or no conversation would be made shorter where faults are tried."""
    model = ScriptedModel(["x" * 4_000, "Summed up.", "Done."], context_window=1_000)
    async with memory_log(plan=FaultPlan()) as log:
        session = await log.create_session("A session", model=model)
        await session.append_turn("Go.")
        await session.append_turn("Go on.")
        assert (await session.state()).context.in_force != ()
