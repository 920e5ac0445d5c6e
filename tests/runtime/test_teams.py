"""Teams as programs and models use them, on every backend."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from turnlog.domain import (
    LEAD,
    MAILBOXES,
    Change,
    CommandRefused,
    InputQueued,
    InvalidInput,
    LeaseTaken,
    LimitReached,
    Limits,
    MessageArrived,
    MessagesDelivered,
    MessageSent,
    NotFound,
    Policy,
    SessionStarted,
    StoreError,
    TeammateJoined,
    TeammateLeft,
    ToolCallAuthorized,
    TurnFailure,
    TurnStarted,
    VerificationFailed,
    mailbox_stream,
)
from turnlog.front import Turnlog
from turnlog.runtime import SessionHandle
from turnlog.runtime.explaining.whatif import Difference, Trial, whatif
from turnlog.runtime.workers.pool import PoolSettings

from .cast import Cast
from .conftest import MakeWorld
from .exported import exported, lines, taken_in, written
from .world import Script, World, asks, check_log, look, until

TEAM = ("team_spawn", "team_send", "team_request", "team_respond", "team_list", "team_shutdown")
SOON = PoolSettings(sweep_seconds=0.1, breath_seconds=0.005, retry_seconds=0.05)


async def team(world: World, scripts: Mapping[str, Script] | None = None, *names: str) -> tuple[SessionHandle, Cast]:
    """A lead, and teammates of these names, whose first turns nobody has run."""
    cast = Cast({LEAD: ["Fine."], **(scripts or {})})
    lead = await world.turnlog.create_session("The lead", model=cast, tools=TEAM)
    for name in names:
        await lead.team_spawn(name, f"You begin, {name}.")
    return lead, cast


async def run_all(world: World, cast: Cast) -> None:
    """Run whatever anybody of the team has to do."""
    await world.turnlog.work(models=[cast], tools=[look], until_idle=True, settings=SOON)


async def of(lead: SessionHandle, name: str, world: World, cast: Cast) -> SessionHandle:
    """The session of a teammate."""
    (found,) = [mate for mate in await lead.list_teammates() if mate.name == name and mate.status != "left"]
    return await world.turnlog.open_session(found.session_id, model=cast)


async def test_a_teammate_is_a_session_linked_both_ways(world: World) -> None:
    lead, _ = await team(world, {"ada": ["Hello."]}, "ada")
    (joined,) = await world.all_of(lead.id, TeammateJoined)
    (started,) = await world.all_of(joined.session, SessionStarted)
    assert started.spawned_by is not None
    assert (started.spawned_by.session, started.spawned_by.teammate) == (lead.id, "ada")
    assert joined.path == started.spawned_by.path == "main/@ada"
    assert {change.stream for change in world.log.written[-1]} == {lead.id, joined.session}


async def test_any_worker_runs_a_teammate_and_a_message_wakes_it(world: World) -> None:
    lead, cast = await team(world, {"ada": ["Hello.", "I look into it."]}, "ada")
    await run_all(world, cast)
    (ada,) = await lead.list_teammates()
    assert (ada.status, ada.unread) == ("idle", 0)
    await lead.team_send("ada", "The tests fail.")
    await run_all(world, cast)
    assert cast.told("ada") == ["You begin, ada.", "[Message from lead]\nThe tests fail."]
    assert len(await world.all_of(ada.session_id, LeaseTaken)) == 2
    await check_log(world, ada.session_id)


async def test_messages_that_come_before_it_runs_are_read_with_its_first_request(world: World) -> None:
    lead, cast = await team(world, {"ada": ["Hello."]}, "ada")
    await lead.team_send("ada", "One.")
    await lead.team_send("ada", "Two.")
    (ada,) = await lead.list_teammates()
    assert ada.unread == 2
    await run_all(world, cast)
    assert cast.told("ada") == ["You begin, ada.", "[Message from lead]\nOne.\n\n[Message from lead]\nTwo."]
    (delivered,) = await world.all_of(ada.session_id, MessagesDelivered)
    assert len(delivered.message_ids) == delivered.position == 2


async def test_the_lead_is_told_with_its_next_request_and_nobody_begins_its_turns(world: World) -> None:
    says = asks(("team_send", {"to": "lead", "text": "It is the clock."}))
    lead, cast = await team(world, {"ada": [says, "Told."]}, "ada")
    await run_all(world, cast)
    assert await world.all_of(lead.id, TurnStarted) == []
    assert [(found.sender, found.text) for found in await lead.team_inbox()] == [("ada", "It is the clock.")]
    await lead.append_turn("And?")
    assert cast.told(LEAD) == ["And?", "[Message from ada]\nIt is the clock."]
    assert await lead.team_inbox() == ()
    (queued,) = await world.all_of(lead.id, InputQueued)
    assert queued.kind == "message"
    await check_log(world, lead.id)


async def test_what_the_program_takes_the_model_is_not_told(world: World) -> None:
    says = asks(("team_send", {"to": "lead", "text": "It is the clock."}))
    lead, cast = await team(world, {"ada": [says, "Told."]}, "ada")
    await run_all(world, cast)
    assert [found.text for found in await lead.team_take()] == ["It is the clock."]
    assert await lead.team_take() == ()
    await lead.append_turn("And?")
    assert cast.told(LEAD) == ["And?"]


async def test_a_model_leads_a_team_without_asking_anybody(world: World) -> None:
    cast = Cast(
        {
            LEAD: [
                asks(("team_spawn", {"name": "ada", "prompt": "Find out why.", "role": "knows the tests"})),
                asks(("team_send", {"to": "everybody", "text": "Hurry."})),
                asks("team_list"),
                asks(("team_shutdown", {"name": "ada"})),
                "Done.",
            ],
            "ada": ["It is the clock."],
        }
    )
    lead = await world.turnlog.create_session("The lead", model=cast, tools=TEAM)
    assert (await lead.append_turn("Go.")).outcome == "answered"
    results = [block for message in cast.seen[LEAD][-1].messages for block in message.blocks]
    listed = str([block for block in results if block.type == "tool_result"][2].content)
    assert "ada (knows the tests): active, 1 unread" in listed
    by = {event.by for event in await world.all_of(lead.id, ToolCallAuthorized)}
    assert by == {"policy", "read_only"}
    await run_all(world, cast)
    assert [mate.status for mate in await lead.list_teammates()] == ["left"]


async def test_without_a_rule_other_rules_would_let_a_model_lead_its_team_as_well(memory: World) -> None:
    cast = Cast({LEAD: [asks(("team_spawn", {"name": "ada", "prompt": "Find out why."})), "Done."]})
    lead = await memory.turnlog.create_session("The lead", model=cast, tools=TEAM)
    await lead.append_turn("Go.")
    found: list[Difference] = []
    outcome = await whatif(memory.env, Trial(()), found.append)
    assert (outcome.judged, found) == (1, [])


async def test_teammates_speak_with_each_other_and_everybody_hears_a_broadcast(world: World) -> None:
    to_bob = asks(("team_send", {"to": "bob", "text": "Is it yours?"}))
    lead, cast = await team(world, {"ada": [to_bob, "Sent."], "bob": ["Hm."] * 5}, "ada", "bob")
    await lead.team_broadcast("The release is today.")
    await run_all(world, cast)
    assert "[Message from ada]\nIs it yours?" in "\n".join(cast.told("bob"))
    for name in ("ada", "bob"):
        assert "[Message from lead to the whole team]\nThe release is today." in cast.told(name)


async def test_a_request_is_answered_once_by_whom_it_was_put_to(world: World) -> None:
    lead, cast = await team(world, {"ada": ["Hello."], "bob": ["Hello."]}, "ada", "bob")
    ada, bob = await of(lead, "ada", world, cast), await of(lead, "bob", world, cast)
    asked = await lead.team_request("ada", "May I deploy?")
    waiting = asyncio.create_task(lead.team_response(asked))
    with pytest.raises(NotFound, match="was put to this session"):
        await bob.team_respond(asked, "Yes.")
    await ada.team_respond(asked, "No.")
    answer = await waiting
    assert (answer.sender, answer.text, answer.request_id) == ("ada", "No.", asked)
    with pytest.raises(CommandRefused, match="was answered already"):
        await ada.team_respond(asked, "Yes.")
    assert [found.text for found in await lead.team_inbox()] == ["No."]
    assert len({await lead.team_request("ada", "And now?") for _ in range(5)}) == 5


async def test_a_late_response_is_refused(world: World) -> None:
    lead, cast = await team(world, {"ada": ["Hello."]}, "ada")
    asked = await lead.team_request("ada", "May I deploy?", within=timedelta(seconds=10))
    world.clock.advance(11)
    with pytest.raises(CommandRefused, match="it takes none any more"):
        await (await of(lead, "ada", world, cast)).team_respond(asked, "Yes.")
    assert await lead.team_inbox() == ()


async def test_nobody_waits_for_a_response_that_cannot_come_any_more(memory: World) -> None:
    lead, cast = await team(memory, {"ada": ["Hello."], "bob": ["Hello."]}, "ada", "bob")
    bob = await of(lead, "bob", memory, cast)
    with pytest.raises(NotFound, match="asked nobody of its team"):
        await lead.team_response("no such request")
    asked = await lead.team_request("ada", "May I deploy?", within=timedelta(seconds=10))
    with pytest.raises(NotFound, match="asked nobody of its team"):
        await bob.team_response(asked)
    waiting = asyncio.create_task(lead.team_response(asked))
    await asyncio.sleep(2 * memory.settings.poll_seconds)
    assert not waiting.done()
    memory.clock.advance(11)
    with pytest.raises(CommandRefused, match=r"was to be answered by .*, and was not"):
        await waiting
    asked = await bob.team_request("ada", "May I?")
    await lead.team_shutdown("ada", "It is done.")
    with pytest.raises(CommandRefused, match="ada has left its team"):
        await bob.team_response(asked)
    asked = await bob.team_request("lead", "And now?", within=timedelta(seconds=10))
    await lead.team_respond(asked, "Go.")
    memory.clock.advance(11)
    assert (await bob.team_response(asked)).text == "Go."


async def test_a_request_expires_by_the_clock_that_late_answers_are_judged_by(
    memory: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead, cast = await team(memory, {"ada": ["Hello."]}, "ada")
    theirs = memory.clock.now() + timedelta(seconds=60)
    monkeypatch.setattr(memory.env.pulse, "their_time", lambda: theirs)
    asked = await lead.team_request("ada", "May I deploy?", within=timedelta(seconds=10))
    ada = await of(lead, "ada", memory, cast)
    await ada.team_respond(asked, "Yes.")
    assert (await lead.team_response(asked)).text == "Yes."


async def test_a_model_answers_a_request(memory: World) -> None:
    lead, cast = await team(memory, {"ada": ["Hello.", "No idea."]}, "ada")
    await run_all(memory, cast)
    asked = await lead.team_request("ada", "May I deploy?")
    replies: Script = ["Hello.", asks(("team_respond", {"request_id": asked, "text": "You may."})), "Answered."]
    await run_all(memory, Cast({"ada": replies}))
    assert (await lead.team_response(asked)).text == "You may."


async def test_shutting_down_is_graceful_recorded_and_final(world: World) -> None:
    lead, cast = await team(world, {"ada": ["Hello."], "bob": ["Hello."]}, "ada", "bob")
    ada = await of(lead, "ada", world, cast)
    await lead.team_shutdown("ada", "It is done.")
    for stream in (lead.id, ada.id):
        assert [event.reason for event in await world.all_of(stream, TeammateLeft)] == ["It is done."]
    with pytest.raises(NotFound, match="'ada' has left this team; its teammates: bob"):
        await lead.team_send("ada", "Wait!")
    with pytest.raises(CommandRefused, match="takes no further messages"):
        await ada.team_send("lead", "I am still here.")
    await run_all(world, cast)
    assert (await ada.metadata()).status == "closed"
    assert len(cast.seen["ada"]) == 1
    await lead.team_spawn("ada", "Begin anew.")
    assert [mate.status for mate in await lead.list_teammates()] == ["left", "idle", "active"]


async def test_a_lead_is_closed_after_its_team(world: World) -> None:
    lead, cast = await team(world, {"ada": ["Hello."]}, "ada")
    with pytest.raises(CommandRefused, match="let them leave first"):
        await lead.close()
    await run_all(world, cast)
    await lead.team_shutdown("ada")
    await lead.close()


async def test_a_teammate_has_some_of_the_tools_of_its_lead_and_its_policy(memory: World) -> None:
    cast = Cast({LEAD: ["Fine."]})
    strict = Policy(name="strict", otherwise="deny")
    lead = await memory.turnlog.create_session("Lead", model=cast, tools=[*TEAM, look], policy=strict, project="shop")
    with pytest.raises(InvalidInput, match="no tools that its lead does not have, such as shell"):
        await lead.team_spawn("ada", "Begin.", tools=["shell"])
    session_id = await lead.team_spawn("ada", "Begin.", tools=["look"], limits=Limits(rounds=3))
    (lead_started,) = await memory.all_of(lead.id, SessionStarted)
    (started,) = await memory.all_of(session_id, SessionStarted)
    assert started.tools == ("look", "team_send", "team_request", "team_respond", "team_list", "read_tool_result")
    assert (started.policy, started.project, started.limits) == (lead_started.policy, "shop", Limits(rounds=3))


async def test_nobody_tells_itself_or_a_stranger(memory: World) -> None:
    lead, _ = await team(memory, {}, "ada")
    with pytest.raises(InvalidInput, match="telling itself"):
        await lead.team_send("lead", "Hm.")
    with pytest.raises(NotFound, match="there is no 'eve' in this team; its teammates: ada"):
        await lead.team_send("eve", "Hello.")
    with pytest.raises(InvalidInput, match="has to say something"):
        await lead.team_send("ada", " ")


async def test_a_message_that_comes_while_the_last_word_is_said_is_read_in_the_same_turn(memory: World) -> None:
    lead, cast = await team(memory, {"ada": ["Hello.", "Read."]}, "ada")

    async def late() -> None:
        await until(lambda: cast.seen["ada"])
        await lead.team_send("ada", "One more thing.")

    async with asyncio.TaskGroup() as group:
        group.create_task(late())
        group.create_task(run_all(memory, cast))
    await run_all(memory, cast)
    assert cast.told("ada").count("[Message from lead]\nOne more thing.") == 1


async def test_of_many_who_write_at_once_nobody_is_lost_or_heard_twice(shared_url: str, open_world: MakeWorld) -> None:
    one, other = open_world(shared_url, worker="one"), open_world(shared_url, worker="other")
    for world in (one, other):
        world.neighbours.answer = True
    lead, cast = await team(one, {"ada": ["Hm."] * 40}, "ada")
    (ada,) = await lead.list_teammates()
    also = await other.turnlog.open_session(lead.id, model=cast)

    async def write(session: SessionHandle, who: str) -> None:
        for number in range(8):
            await session.team_send("ada", f"{who}{number}")

    work = asyncio.create_task(other.turnlog.work(models=[cast], settings=SOON))
    async with asyncio.TaskGroup() as group:
        group.create_task(write(lead, "a"))
        group.create_task(write(also, "b"))
    await until(lambda: _read(one, ada.session_id, 16))
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    sent = [event.text for event in await one.all_of(mailbox_stream(ada.session_id), MessageSent)]
    for who in ("a", "b"):
        assert [text for text in sent if str(text).startswith(who)] == [f"{who}{number}" for number in range(8)]
    delivered = [name for event in await one.all_of(ada.session_id, MessagesDelivered) for name in event.message_ids]
    assert len(delivered) == len(set(delivered)) == 16
    await check_log(one, ada.session_id)


async def _read(world: World, session_id: str, many: int) -> bool:
    events = await world.all_of(session_id, MessagesDelivered)
    return sum(len(event.message_ids) for event in events) == many


async def test_mailboxes_are_no_sessions(world: World) -> None:
    lead, _ = await team(world, {}, "ada")
    await lead.team_send("ada", "Hello.")
    assert len(await world.turnlog.list_sessions()) == 2
    with pytest.raises(NotFound):
        await world.turnlog.find_session(MAILBOXES)


async def test_a_message_of_many_pages_reaches_the_model_whole(memory: World) -> None:
    lead, cast = await team(memory, {"ada": ["Hello."]}, "ada")
    await lead.team_send("ada", "x" * 50_000)
    await run_all(memory, cast)
    assert cast.told("ada")[-1] == f"[Message from lead]\n{'x' * 50_000}"


async def test_what_teammates_use_counts_for_the_session_of_their_lead(memory: World) -> None:
    cast = Cast({LEAD: ["Fine."], "ada": ["Hm."] * 9})
    lead = await memory.turnlog.create_session("Lead", model=cast, tools=TEAM, limits=Limits(requests=2))
    await lead.team_spawn("ada", "Begin.")
    await run_all(memory, cast)
    await lead.append_turn("Go.")
    await lead.team_send("ada", "More.")
    await run_all(memory, cast)
    assert len(cast.seen["ada"]) == 1
    with pytest.raises(LimitReached):
        await lead.append_turn("And?")
    (ada,) = await lead.list_teammates()
    assert ada.status == "failed"


async def test_a_teammate_whose_turn_failed_is_woken_with_all_it_has_not_read(memory: World) -> None:
    lead, cast = await team(memory, {"ada": ["Hello."]}, "ada")
    await lead.team_send("ada", "One.")
    ada = await of(lead, "ada", memory, cast)
    await ada.cancel()
    await lead.team_send("ada", "Two.")
    await run_all(memory, cast)
    assert cast.told("ada")[-1] == "[Message from lead]\nOne.\n\n[Message from lead]\nTwo."
    assert len(await memory.all_of(ada.id, TurnStarted)) == 2


async def test_a_lead_is_told_of_a_turn_of_its_teammate_that_failed(world: World) -> None:
    lead, cast = await team(world, {"ada": []}, "ada")
    await run_all(world, cast)
    (told,) = await lead.team_inbox()
    assert told.sender == "ada"
    assert "My turn failed (model_unexpected): the script of" in told.text
    await run_all(world, cast)
    assert len(await lead.team_inbox()) == 1
    ada = await of(lead, "ada", world, cast)
    with pytest.raises(TurnFailure):
        await ada.resume_turn()
    assert len(await lead.team_inbox()) == 2


async def test_a_lead_that_could_not_be_told_of_a_failed_turn_is_told_when_it_next_runs(world: World) -> None:
    lead, cast = await team(world, {LEAD: ["I see.", "Well."], "ada": []}, "ada")
    world.log.before = no_mail
    await run_all(world, cast)
    world.log.before = lambda changes: None
    assert await lead.team_inbox() == ()
    await lead.append_turn("Go on.")
    await lead.append_turn("And?")
    assert ["My turn failed" in said for said in cast.told(LEAD)].count(True) == 1
    assert len(await world.all_of(lead.id, MessageArrived)) == 1


def no_mail(changes: Sequence[Change]) -> None:
    """As where the process ends before the message is sent."""
    if any(change.stream.startswith(MAILBOXES) for change in changes):
        raise StoreError("the process ended")


async def test_the_team_of_a_lead_that_is_rewound_is_let_go(world: World) -> None:
    lead, cast = await team(world, {"ada": ["Hello."]}, "ada")
    await run_all(world, cast)
    ada = await of(lead, "ada", world, cast)
    gone_on = await world.turnlog.rewind(lead.id, 1)
    assert [event.reason for event in await world.all_of(ada.id, TeammateLeft)] == ["its lead is rewound"]
    assert (await ada.metadata()).status == "closed"
    assert await (await world.turnlog.open_session(gone_on.successor, model=cast)).list_teammates() == ()


async def test_a_teammate_that_leaves_gives_back_the_tasks_it_had_claimed(world: World) -> None:
    cast = Cast({LEAD: ["Fine."], "ada": ["Hello."]})
    lead = await world.turnlog.create_session("The lead", model=cast, tools=TEAM, project="shop")
    ada = await lead.team_spawn("ada", "Begin.")
    await run_all(world, cast)
    board = world.turnlog.tasks("shop")
    task = await board.add("Write it")
    await board.claim(task.task_id, session_id=ada)
    await lead.team_shutdown("ada")
    (task,) = await board.list()
    assert (task.state, task.holder) == ("open", None)


async def test_unread_mail_goes_where_its_session_goes(world: World) -> None:
    lead, cast = await team(world, {"ada": ["Hello."]}, "ada")
    await run_all(world, cast)
    await (await of(lead, "ada", world, cast)).team_send("lead", "It is the clock.")
    data = await exported(world.turnlog, lead.id)
    async with Turnlog.open("memory:") as other:
        taken = await taken_in(other, data)
        assert taken.streams == (lead.id, mailbox_stream(lead.id))
        assert [mail.text for mail in await (await other.open_session(lead.id)).team_inbox()] == ["It is the clock."]
        assert await exported(other, lead.id) == data


async def test_a_mailbox_of_another_session_is_not_taken_in(memory: World) -> None:
    lead, _ = await team(memory, {}, "ada")
    await lead.team_send("ada", "Hello.")
    parts = lines(await exported(memory.turnlog, lead.id))
    (ada,) = await lead.list_teammates()
    (sent, *_) = [line for line in lines(await exported(memory.turnlog, ada.session_id)) if "mail." in str(line)]
    parts.insert(-1, sent)
    async with Turnlog.open("memory:") as other:
        with pytest.raises(VerificationFailed):
            await taken_in(other, written(parts))
