"""Bodies that are gone or not what they were: told by name, in the way of nothing that can do without them."""

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from turnlog.domain import (
    BlobDamaged,
    BlobMissing,
    BlobRef,
    ImageBlock,
    ModelDelta,
    ModelReply,
    ModelRequest,
    NotFound,
    PermissionRequested,
    StoreError,
    TextBlock,
    ToolCallFinished,
    ToolCallStarted,
    ToolImage,
    ToolOutcomeUnknown,
    TurnCompleted,
    TurnFailed,
    TurnFailure,
    TurnStarted,
    every_call,
)
from turnlog.front import Turnlog
from turnlog.projections import TIMELINE, project
from turnlog.runtime import PermissionDecision, RuleDraft, SessionHandle, allow, bodies, deny, history
from turnlog.runtime.turns.inputs import UserInput

from .losses import Loss, reference
from .world import Crash, Script, ScriptedCall, ScriptedModel, World, asks, check_log, raw, tool

LONG = "Long ago. " * 2_000
MORE: Script = ["More."] * 20
RAN: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


@pytest.fixture
def loss(monkeypatch: pytest.MonkeyPatch) -> Loss:
    return Loss(monkeypatch)


def again(world: World) -> Turnlog:
    """The turnlog as another process opens it, which remembers no bodies."""
    return Turnlog(replace(world.env), world.store.close)


@tool(name="work", effect="external")
def work(text: str = "") -> str:
    """Work."""
    RAN.append(text)
    return "worked"


@tool(name="weigh", effect="pure")
def weigh(text: str = "") -> str:
    """Weigh."""
    RAN.append(text)
    return "weighed"


async def said_at_length(world: World, content: UserInput = LONG) -> tuple[SessionHandle, BlobRef]:
    """A session whose first words are kept apart, and where."""
    session = await world.session(["Yes.", *MORE])
    await session.append_turn(content)
    (started,) = await world.all_of(session.id, TurnStarted)
    (block,) = started.content
    ref = block.image if isinstance(block, ImageBlock) else block.text
    assert isinstance(ref, BlobRef)
    return session, ref


@pytest.mark.parametrize("instead", [None, b"", LONG.encode()[1:], b"\xff" * 20_000], ids=["gone", "empty", "cut", "x"])
async def test_what_is_not_the_body_is_an_error_that_names_it(world: World, loss: Loss, instead: bytes | None) -> None:
    _, ref = await said_at_length(world)
    assert await again(world).text(ref) == LONG
    loss.of(ref, instead)
    with pytest.raises(NotFound if instead is None else StoreError) as caught:
        await again(world).text(ref)
    assert isinstance(caught.value, BlobMissing | BlobDamaged)
    assert caught.value.sha256 == ref.sha256
    assert ref.sha256 in caught.value.message
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("instead", [None, b"x"], ids=["gone", "damaged"])
async def test_reading_a_session_takes_no_bodies(world: World, loss: Loss, instead: bytes | None) -> None:
    session, ref = await said_at_length(world)
    loss.of(ref, instead)
    log = again(world)
    assert [found.id for found in await log.list_sessions()] == [session.id]
    moment = await log.show(session.id)
    assert moment.session == await session.state()
    assert moment.state()["version"] == moment.session.version
    assert len(project(TIMELINE, moment.history).lines) == len(moment.history)
    assert moment.metadata.id == session.id
    assert len(await (await log.open_session(session.id)).replay()) == len(moment.items)
    await check_log(world, session.id)


@pytest.mark.parametrize("instead", [None, b"x"], ids=["gone", "damaged"])
async def test_people_are_shown_its_beginning_and_told(world: World, loss: Loss, instead: bytes | None) -> None:
    _, ref = await said_at_length(world)
    assert await again(world).readable(ref) == LONG
    assert await again(world).readable("short") == "short"
    loss.of(ref, instead)
    beginning, told = (await again(world).readable(ref)).split("\n")
    assert beginning.startswith(LONG[:200])
    assert f"{'missing' if instead is None else 'damaged'} here" in told
    assert ref.sha256 in told


@pytest.mark.parametrize("instead", [None, b"x"], ids=["gone", "damaged"])
async def test_a_turn_that_needs_it_fails_and_the_session_stays_usable(
    world: World, loss: Loss, instead: bytes | None
) -> None:
    session, ref = await said_at_length(world)
    whole = (await session.metadata()).version
    loss.of(ref, instead)
    there = await again(world).open_session(session.id, model=ScriptedModel(["Yes.", *MORE]))
    for _ in range(2):
        with pytest.raises(TurnFailure, match=ref.sha256):
            await there.append_turn("Go on.")
    failed = await world.all_of(session.id, TurnFailed)
    assert [event.code for event in failed] == ["blob_missing" if instead is None else "blob_damaged"] * 2
    assert all(ref.sha256 in event.message for event in failed)
    assert (await there.state()).lease is None
    await there.rename("Renamed")
    assert (await there.metadata()).title == "Renamed"
    with pytest.raises(BlobMissing if instead is None else BlobDamaged):
        await there.history()
    fork = await there.fork(at=whole)
    assert (await fork.state()).turn is not None
    loss.is_made_good()
    assert (await there.resume_turn()).outcome == "answered"
    await check_log(world, session.id)


async def test_a_missing_system_prompt_fails_the_turn(world: World, loss: Loss) -> None:
    session = await world.session(["Yes."], system=LONG)
    ref = (await session.state()).system
    assert isinstance(ref, BlobRef)
    loss.of(ref)
    with pytest.raises(TurnFailure, match=ref.sha256):
        await (await again(world).open_session(session.id, model=ScriptedModel(MORE))).append_turn("Hello.")
    assert (await session.metadata()).status == "failed"


class Looking:
    """A model that fetches the images it is sent, as those of providers do."""

    name = "scripted:looking"

    def __init__(self, world: World) -> None:
        self._world = world

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        images = [b.image for message in request.messages for b in message.blocks if isinstance(b, ImageBlock)]
        for image in images:
            await self._world.store.blobs.get(image.sha256)
        yield ModelReply((TextBlock(text="Nice."),))


async def test_an_image_that_a_model_misses_fails_the_turn(world: World, loss: Loss) -> None:
    session, ref = await said_at_length(world, [ToolImage(b"\x89PNG" * 9, "image/png")])
    loss.of(ref)
    with pytest.raises(TurnFailure, match=ref.sha256):
        await (await again(world).open_session(session.id, model=Looking(world))).append_turn("And?")
    (failed,) = await world.all_of(session.id, TurnFailed)
    assert failed.code == "blob_missing"
    await check_log(world, session.id)


def arguments(more: str = "") -> str:
    """Arguments that are kept apart."""
    return json.dumps({"text": LONG + more})


def long_call(name: str, more: str = "") -> ScriptedCall:
    return raw(name, arguments(more))


async def test_a_call_whose_arguments_are_missing_is_not_run(world: World, loss: Loss) -> None:
    """Nor do those beside it seem to have begun."""
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "weigh")))
    script = [asks(("weigh", {"text": "x"}), long_call("work")), *MORE]
    session = await world.session(script, work, weigh)
    assert (await session.append_turn("Work.")).outcome == "suspended"
    RAN.clear()
    (asked,) = await world.all_of(session.id, PermissionRequested)
    await session.resolve_permission(asked.request_id, deny("no"))
    loss.of(reference(arguments()))
    there = await again(world).open_session(session.id, model=ScriptedModel(script), tools=[work, weigh])
    with pytest.raises(TurnFailure):
        await there.resume_turn()
    assert RAN == []
    await check_log(world, session.id)


async def test_calls_side_by_side_wait_for_the_arguments_of_all(
    world: World, loss: Loss, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost between the judgement and the call, with no room to remember it: no call may seem to have begun."""
    monkeypatch.setattr(bodies, "_CACHED_BYTES", 0)
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "weigh")))
    session = await world.session([asks(long_call("weigh"), long_call("weigh", "2")), *MORE], weigh)
    loss.of(reference(arguments("2")), spared=1)
    with pytest.raises(TurnFailure, match=reference(arguments("2")).sha256):
        await session.append_turn("Weigh.")
    assert await world.all_of(session.id, ToolCallStarted) == []
    assert RAN == []
    await check_log(world, session.id)


async def test_a_call_that_was_running_and_cannot_be_read_again_has_an_unknown_outcome(
    world: World, loss: Loss
) -> None:
    @tool(name="work", effect="idempotent")
    def dies(text: str) -> str:
        RAN.append("died")
        raise Crash

    await world.turnlog.add_rule(RuleDraft(every_call("allow", "work")))
    script = [asks(long_call("work")), *MORE]
    session = await world.session(script, dies)
    with pytest.raises(BaseExceptionGroup):
        await session.append_turn("Work.")
    loss.of(reference(arguments()))
    there = await again(world).open_session(session.id, model=ScriptedModel(script), tools=[dies])
    reply = await there.resume_turn()
    assert reply.reason == "unknown_outcome"
    assert len(await world.all_of(session.id, ToolOutcomeUnknown)) == 1
    assert RAN == ["died"]
    await check_log(world, session.id)


@pytest.mark.parametrize("answer", [allow("unseen"), deny("never", remember="session")], ids=["yes", "for good"])
async def test_a_question_that_cannot_be_shown_is_not_allowed_or_answered_for_good(
    world: World, loss: Loss, answer: PermissionDecision
) -> None:
    script = [asks(long_call("work")), *MORE]
    session = await world.session(script, work)
    await session.append_turn("Work.")
    (asked,) = await world.all_of(session.id, PermissionRequested)
    assert isinstance(asked.display, BlobRef)
    loss.of(asked.display)
    log = again(world)
    assert [found.request_id for found in await log.approvals()] == [asked.request_id]
    with pytest.raises(BlobMissing, match=asked.display.sha256):
        await log.resolve_permission(asked.request_id, answer)
    there = await log.open_session(session.id, model=ScriptedModel(script), tools=[work])
    await there.cancel()
    assert (await there.append_turn("Never mind.")).outcome == "answered"
    assert RAN == []
    await check_log(world, session.id)


async def test_an_approver_at_hand_is_not_asked_what_cannot_be_shown(world: World, loss: Loss) -> None:
    script = [asks(long_call("work")), *MORE]
    session = await world.session(script, work)
    await session.append_turn("Work.")
    (asked,) = await world.all_of(session.id, PermissionRequested)
    assert isinstance(asked.display, BlobRef)
    loss.of(asked.display)

    async def never(request: object) -> Any:
        pytest.fail("there is nothing to show")

    there = await again(world).open_session(session.id, model=ScriptedModel(script), tools=[work])
    with pytest.raises(TurnFailure, match=asked.display.sha256):
        await there.resume_turn(approvals=never)
    assert (await there.append_turn("Never mind.")).outcome == "answered"


async def test_a_result_that_is_missing_is_missed_only_where_it_is_used(world: World, loss: Loss) -> None:
    @tool(name="tell", effect="pure")
    def tell() -> str:
        return LONG

    session = await world.session([asks("tell"), "Told."], tell)
    await session.append_turn("Tell.")
    (finished,) = await world.all_of(session.id, ToolCallFinished)
    (block,) = finished.content
    assert block.type == "text"
    assert isinstance(block.text, BlobRef)
    loss.of(block.text)
    assert len((await again(world).show(session.id)).items) == 5
    assert len(await world.all_of(session.id, TurnCompleted)) == 1
    assert len(await history(world.log, session.id)) == (await session.state()).version


async def test_a_question_that_cannot_be_shown_can_be_denied(world: World, loss: Loss) -> None:
    session = await world.session([asks(long_call("work")), *MORE], work)
    await session.append_turn("Work.")
    (asked,) = await world.all_of(session.id, PermissionRequested)
    assert isinstance(asked.display, BlobRef)
    loss.of(asked.display)
    assert (await again(world).resolve_permission(asked.request_id, deny("no"))).outcome == "denied"
