"""A recorded session answers again, offline: as long as the re-run asks what was asked then, and no further."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from turnlog.domain import (
    Change,
    Message,
    ModelBlock,
    ModelFailed,
    ModelReply,
    ModelRequest,
    ModelResponded,
    ModelSettings,
    NotFound,
    Recorded,
    TextBlock,
    ThinkingBlock,
    Tool,
    ToolCallBlock,
    TurnFailure,
    TurnStarted,
    Usage,
)
from turnlog.runtime import ReplayModel, SessionHandle

from .world import Crash, ModelOf, ScriptedFailure, ScriptedReply, World, asks, tool

LONG = "Long ago, é. " * 2_000
LINES = "".join(f"line {n}\n" for n in range(1, 3_001))
RAN: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


def prints(text: str = LINES, description: str = "Print.") -> Tool:
    """A tool that prints a text."""

    def print_() -> str:
        RAN.append(text)
        return text

    print_.__doc__ = description
    return tool(name="print", effect="pure")(print_)


def answers(request: ModelRequest, number: int) -> Sequence[ModelReply]:
    """Calls a tool twice, reads on in the first result, and speaks of it by its id ever after."""
    ids = re.findall(r'call_id "(\w+)"', ModelRequest.model_dump_json(request).replace("\\", ""))
    calls = [ToolCallBlock(call_id=f"toolu_{number}_{n}", name="print", arguments="{}") for n in range(2)]
    reads = ToolCallBlock(call_id="toolu_1_0", name="read_tool_result", arguments=f'{{"call_id": "{ids and ids[0]}"}}')
    said: dict[int, tuple[ModelBlock, ...]] = {
        1: (ThinkingBlock(text="hm", model="scripted:function", signature="sealed"), *calls),
        2: (TextBlock(text=LONG, signature="proof"), reads),
    }
    blocks = said.get(number, (TextBlock(text=f"I read {ids and ids[0]}."),))
    return [ModelReply(blocks, Usage(input_tokens=number), "stop", f"response {number}")]


async def recorded(world: World, *says: str) -> SessionHandle:
    """A session of some turns, all answered."""
    session = await world.session(ModelOf(answers), prints(), system="Be brief.", settings=ModelSettings(seed=1))
    for text in says or ("Go.",):
        await session.append_turn(text)
    return session


async def rerun(world: World, session: SessionHandle, *tools: Tool, **changed: Any) -> SessionHandle:
    """A new session like the one before, but for what is changed, with its answers."""
    model = await world.turnlog.replay_model(session.id)
    given = {"system": "Be brief.", "settings": ModelSettings(seed=1), **changed}
    return await world.session(model, *(tools or (prints(),)), **given)


async def told(session: SessionHandle) -> list[Message]:
    """What was said and done, with one id for all calls."""
    messages = await session.history()
    return [Message.model_validate_json(re.sub(r"call_\w{32}", "call_x", each.model_dump_json())) for each in messages]


async def diverges(session: SessionHandle, says: str = "Go.") -> str:
    """Where a re-run stops, and why."""
    with pytest.raises(TurnFailure, match="model_diverged") as failure:
        await session.append_turn(says)
    return re.sub(r"\S{36}@\d+", "there", str(failure.value)).partition(": ")[2].partition(";")[0]


async def test_a_session_run_again_is_the_same_session(world: World) -> None:
    session = await recorded(world, "Go.", "And now?")
    again = await rerun(world, session)
    await again.append_turn("Go.")
    await again.append_turn("And now?")
    assert await told(again) == await told(session)
    assert await world.kinds(again.id) == await world.kinds(session.id)


async def test_answers_come_with_all_that_was_recorded_of_them(memory: World) -> None:
    session = await recorded(memory)
    again = await rerun(memory, session)
    await again.append_turn("Go.")
    theirs, ours = [await memory.all_of(each.id, ModelResponded) for each in (session, again)]
    kept = ("model", "round", "usage", "stop_reason", "provider_response_id", "cost")
    assert [event.model_dump(include={*kept}) for event in ours] == [
        event.model_dump(include={*kept}) for event in theirs
    ]
    assert [block.provider_id for block in ours[0].blocks if block.type == "tool_call"] == ["toolu_1_0", "toolu_1_1"]


async def test_a_call_named_in_an_answer_is_the_one_of_the_new_session(memory: World) -> None:
    session = await recorded(memory)
    again = await rerun(memory, session)
    reply = await again.append_turn("Go.")
    first = next(block for event in await memory.all_of(again.id, ModelResponded) for block in event.blocks[1:])
    assert first.type == "tool_call"
    assert reply.text == f"I read {first.call_id}."


async def test_one_turn_is_run_again_in_a_fork_from_before_it(world: World) -> None:
    session = await recorded(world, "Go.", "And now?", "And then?")
    starts = [r.version for r in await world.log.read(session.id) if isinstance(r.event, TurnStarted)]
    model = await world.turnlog.replay_model(session.id, turn=2)
    fork = await session.fork(starts[1] - 2)
    child = await world.again(fork.id, model, prints())
    reply = await child.append_turn("And now?")
    assert reply.text.startswith("I read call_")
    assert model.left == 0


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "system": ({"system": "Be brief!"}, 'system was "Be brief." and is "Be brief!"'),
    "no system": ({"system": None}, 'system was "Be brief." and is nothing'),
    "settings": ({"settings": ModelSettings(seed=2)}, "settings, seed was 1 and is 2"),
}


@pytest.mark.parametrize(("changed", "difference"), CHANGED.values(), ids=CHANGED)
async def test_a_re_run_with_another_setting_stops_at_once(
    memory: World, changed: dict[str, Any], difference: str
) -> None:
    again = await rerun(memory, await recorded(memory), **changed)
    RAN.clear()
    assert await diverges(again) == f"this is not the request recorded at there: {difference}"
    assert RAN == []


async def test_a_re_run_with_another_tool_on_offer_stops_at_once(memory: World) -> None:
    again = await rerun(memory, await recorded(memory), prints(), tool(name="more")(lambda: "x"))
    assert (await diverges(again)).endswith(
        'tool set was "print, read_tool_result" and is "print, more, read_tool_result"'
    )


async def test_a_re_run_with_a_tool_that_has_changed_stops_at_once(memory: World) -> None:
    again = await rerun(memory, await recorded(memory), prints(description="Print it."))
    assert (await diverges(again)).endswith('tool print, description was "Print." and is "Print it."')


async def test_a_re_run_that_is_told_something_else_stops_at_once(memory: World) -> None:
    again = await rerun(memory, await recorded(memory))
    assert (await diverges(again, "Stop.")).endswith('message 1, block 1, text was "Go." and is "Stop."')


async def test_a_re_run_stops_where_a_tool_returns_something_else(memory: World) -> None:
    again = await rerun(memory, await recorded(memory), prints(LINES.replace("line 1000\n", "LINE 1000\n")))
    said = await diverges(again)
    assert re.search(
        r'message 3, block 1, part 1, text was "…\S+ .*line 1000.*…" and is "…\S+ .*LINE 1000.*…"$', said
    ), said
    assert len(RAN) == 4


async def test_a_re_run_that_says_more_stops_there(memory: World) -> None:
    session = await recorded(memory)
    again = await rerun(memory, session)
    await again.append_turn("Go.")
    assert await diverges(again, "More?") == "the record has 3 requests, and this is one more"


async def test_a_turn_that_diverged_diverges_again_when_resumed(memory: World) -> None:
    again = await rerun(memory, await recorded(memory), system="Other.")
    await diverges(again)
    with pytest.raises(TurnFailure, match="system was"):
        await again.resume_turn()


async def test_attempts_that_failed_fail_again_as_they_did(memory: World) -> None:
    busy = ScriptedFailure(failure="overloaded", message="busy", retryable=True, phase="connect", retry_after=7)
    gone = ScriptedFailure(failure="timeout", message="slow", retryable=True, phase="read")
    session = await memory.session([ScriptedReply(text="At last.", failures=(busy, gone))])
    await session.append_turn("Go.")
    again = await memory.session(await memory.turnlog.replay_model(session.id))
    assert (await again.append_turn("Go.")).text == "At last."
    theirs, ours = [await memory.all_of(each.id, ModelFailed) for each in (session, again)]
    told = {"attempt", "failure", "message", "retryable", "phase", "retry_delay"}
    assert [each.model_dump(include=told) for each in ours] == [each.model_dump(include=told) for each in theirs]


async def test_attempts_that_nobody_saw_end_are_left_out(memory: World) -> None:
    session = await memory.session(["Hello."])

    def crash(changes: tuple[Change, ...]) -> None:
        memory.log.after = lambda changes: None
        raise Crash

    memory.log.after = crash
    with pytest.raises(Crash):
        await session.append_turn("Go.")
    await session.resume_turn(take_over=True)
    model = await memory.turnlog.replay_model(session.id)
    assert (await (await memory.session(model)).append_turn("Go.")).text == "Hello."
    assert model.left == 0


async def test_a_log_that_was_changed_is_no_measure(memory: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await recorded(memory)
    read = memory.log.read

    async def forged(stream: str, after: int = 0, until: int | None = None) -> list[Recorded]:
        changed = {"content": (TextBlock(text="Forged."),)}
        return [
            record._replace(event=record.event.model_copy(update=changed))
            if stream == session.id and isinstance(record.event, TurnStarted)
            else record
            for record in await read(stream, after, until)
        ]

    monkeypatch.setattr(memory.log, "read", forged)
    again = await rerun(memory, session)
    assert "cannot be built again" in await diverges(again, "Forged.")


@pytest.mark.parametrize("turn", [0, 2])
async def test_there_is_no_replay_of_a_turn_that_is_not_there(memory: World, turn: int) -> None:
    session = await recorded(memory)
    with pytest.raises(NotFound, match="has no turn"):
        await memory.turnlog.replay_model(session.id, turn)


async def test_there_is_no_replay_where_nothing_was_answered(memory: World) -> None:
    session = await memory.session([asks("x")])
    with pytest.raises(NotFound, match="no model answered"):
        await ReplayModel.of(memory.env, session.id)
