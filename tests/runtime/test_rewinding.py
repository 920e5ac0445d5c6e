"""Rewinding: a fork takes a session's place, and what that leaves as it is, is told."""

from pathlib import Path

import pytest

from turnlog.domain import (
    CommandRefused,
    InvalidInput,
    NotFound,
    Recorded,
    SessionClosed,
    ToolCallFinished,
    TurnCancelled,
)
from turnlog.runtime import SessionHandle, allow
from turnlog.runtime.time_travel.rewinding import Standing
from turnlog.runtime.time_travel.touched import content_of, touched

from .world import ScriptedCall, ScriptedModel, ScriptedReply, World, asks, check_log, tool

look = tool(name="look", effect="pure")(lambda: "seen")
send = tool(name="send")(lambda: "sent")


async def sent(world: World) -> tuple[SessionHandle, int]:
    """A session that looked and sent something in its second turn; and its version after the first."""
    session = await world.session(["Hello.", asks("look"), asks("send"), "Sent."], look, send)
    await session.append_turn("Hi.")
    version = (await session.metadata()).version
    waiting = await session.append_turn("Send it.")
    await session.resolve_permission(waiting.waiting_for[0], allow(remember="global"))
    await session.resume_turn()
    return session, version


async def test_a_rewound_session_goes_on_in_a_fork_from_there(world: World) -> None:
    session, version = await sent(world)
    before = await world.events(session.id)
    rewound = await world.turnlog.rewind(session.id, version, reason="too early")
    assert (await world.events(session.id))[: len(before)] == before
    (closed,) = await world.all_of(session.id, SessionClosed)
    assert (closed.successor, closed.reason) == (rewound.successor, "too early")
    successor = await world.again(rewound.successor, ["Hello.", "Another way."], look, send)
    metadata = await successor.metadata()
    assert (metadata.parent, metadata.parent_version) == (session.id, version)
    assert metadata.title == (await session.metadata()).title
    assert (await successor.append_turn("Again.")).text == "Another way."
    await check_log(world, successor.id)


async def test_whoever_goes_on_with_a_rewound_session_is_told_where_it_went(world: World) -> None:
    session, version = await sent(world)
    rewound = await world.turnlog.rewind(session.id, version)
    again = await world.again(session.id, ["Hello."])
    with pytest.raises(CommandRefused, match=f"goes on as {rewound.successor}"):
        await again.append_turn("More.")
    with pytest.raises(CommandRefused, match=f"goes on as {rewound.successor}"):
        await world.turnlog.rewind(session.id, version)


async def test_a_turn_that_waits_is_cancelled_and_its_question_withdrawn(world: World) -> None:
    session = await world.session(["Hello.", asks("send"), "Sent."], send)
    await session.append_turn("Hi.")
    await session.append_turn("Send it.")
    await world.turnlog.rewind(session.id, "{turn:1}")
    assert len(await world.all_of(session.id, TurnCancelled)) == 1
    assert await world.turnlog.approvals() == []


async def test_a_rewind_says_which_effects_and_rules_stay(world: World) -> None:
    session, version = await sent(world)
    standing = (await world.turnlog.rewind(session.id, version)).standing
    assert [(call.tool, call.outcome) for call in standing.calls] == [("send", "finished")]
    assert [rule.scope for rule in standing.rules] == ["global"]


async def test_what_came_before_the_point_is_not_told_of(world: World) -> None:
    session, _ = await sent(world)
    latest = (await session.metadata()).version
    assert await world.turnlog.standing(session.id, latest) == Standing((), (), ())


async def test_a_rewind_names_the_files_that_tools_changed(world: World, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    call = ScriptedReply(calls=(ScriptedCall(name="write_file", arguments={"path": "a.txt", "content": "two"}),))
    model = ScriptedModel(["Hello.", call, "Done."])
    session = await world.turnlog.create_session("t", model=model, tools=["write_file"], workspace=tmp_path)
    await session.append_turn("Hi.")
    waiting = await session.append_turn("Write.")
    await session.resolve_permission(waiting.waiting_for[0], allow())
    await session.resume_turn()
    (file,) = (await world.turnlog.standing(session.id, "{turn:1}")).files
    assert (file.path, file.change) == ("a.txt", "changed")


async def test_a_session_is_not_rewound_to_where_it_stands(world: World) -> None:
    session, _ = await sent(world)
    before = await world.events(session.id)
    with pytest.raises(InvalidInput, match="already"):
        await world.turnlog.rewind(session.id, None)
    with pytest.raises(NotFound, match="no version 999"):
        await world.turnlog.rewind(session.id, 999)
    assert await world.events(session.id) == before


async def test_what_a_session_was_allowed_is_dropped_by_a_rewind_unless_kept(memory: World) -> None:
    for keep, rules in ((False, 0), (True, 1)):
        session = await memory.session(["Hello.", asks("send"), "Sent."], send)
        await session.append_turn("Hi.")
        waiting = await session.append_turn("Send it.")
        await session.resolve_permission(waiting.waiting_for[0], allow(remember="session"))
        version = (await session.metadata()).version
        await session.resume_turn()
        rewound = await memory.turnlog.rewind(session.id, version, keep_grants=keep)
        state = (await memory.turnlog.show(rewound.successor)).session
        assert len(state.rules) == rules


def finished(version: int, **details: object) -> Recorded:
    event = ToolCallFinished.model_validate(
        {
            "at": "2026-11-22T09:00:00Z",
            "actor": {"kind": "worker", "id": "w"},
            "turn_id": "t",
            "call_id": "c",
            "content": (),
            "details": details,
        }
    )
    return Recorded("s", version, event)


ONE, TWO = {"bytes": 1, "sha256": "1" * 64}, {"bytes": 2, "sha256": "2" * 64}


@pytest.mark.parametrize(
    ("details", "change"),
    [
        ([{"path": "a", "before": None, "after": ONE}], "created"),
        ([{"path": "a", "before": ONE, "after": TWO}], "changed"),
        ([{"path": "a", "before": ONE, "after": None}], "deleted"),
        ([{"path": "a", "before": ONE, "after": TWO}, {"path": "a", "before": TWO, "after": ONE}], "as it was"),
        ([{"changes": [{"path": "a", "before": None, "after": ONE}]}], "created"),
        ([{"path": "a", "created": True, "after": ONE}], "created"),
        ([{"path": "a", "created": False, "after": ONE}], "changed"),
    ],
)
def test_what_became_of_a_file_is_told_from_first_to_last(details: list[dict[str, object]], change: str) -> None:
    (file,) = touched(finished(number, **each) for number, each in enumerate(details, start=1))
    assert (file.path, file.change, file.changes) == ("a", change, len(details))


@pytest.mark.parametrize(
    "details", [{}, {"path": "a"}, {"path": 1, "after": ONE}, {"changes": ["x", 3]}, {"changes": 1}]
)
def test_details_that_speak_of_no_change_are_let_be(details: dict[str, object]) -> None:
    assert touched([finished(1, **details)]) == ()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (None, "nothing"),
        (ONE, "1 bytes, sha256 111111111111"),
        ({"bytes": 9, "sha256": None}, "9 bytes"),
        ({"symlink": "b"}, "a symlink to b"),
        ({"directory": True}, "a directory"),
    ],
)
def test_what_was_there_is_told_in_a_few_words(said: None, shown: str) -> None:
    assert content_of(said) == shown
