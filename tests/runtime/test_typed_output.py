"""A turn that ends in a value of a type: given by a tool of its own, validated, repaired in the same turn."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, Field, JsonValue, RootModel, field_validator

from turnlog.domain import (
    OUTPUT_TOOL,
    CommandRefused,
    InputQueued,
    InvalidInput,
    Limits,
    Model,
    ModelReply,
    NothingToResume,
    ToolCallBlock,
    ToolCallDenied,
    ToolCallStarted,
    TurnFailed,
    TurnFailure,
    TurnStarted,
    every_call,
)
from turnlog.runtime import Allow, Deny, Modify, ProposedCall, RuleDraft, TypedReply, allow

from .conftest import MakeWorld
from .test_recovery import die_after
from .world import (
    QUICK,
    Crash,
    ModelOf,
    Script,
    ScriptedModel,
    ScriptedReply,
    World,
    asks,
    check_log,
    last_results,
    raw,
    tool,
)

RAN: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


class Invoice(BaseModel):
    """What is owed, and by whom."""

    customer: str
    total: float = Field(ge=0)
    due: date | None = None

    @field_validator("customer")
    @classmethod
    def _named(cls, customer: str) -> str:
        if not customer.istitle():
            raise ValueError("a customer is written with a capital")
        return customer


GOOD: dict[str, JsonValue] = {"customer": "Ada", "total": 12.5, "due": "2026-02-01"}
WRONG_FOR_THE_SCHEMA: dict[str, JsonValue] = {"customer": "Ada", "total": "much"}
WRONG_FOR_THE_TYPE: dict[str, JsonValue] = {"customer": "ada", "total": 1}
INVOICE = Invoice(customer="Ada", total=12.5, due=date(2026, 2, 1))


@tool
async def act(what: str = "") -> str:
    """Act."""
    RAN.append(what)
    return f"acted {what}"


@tool(effect="pure")
async def look() -> str:
    """Look."""
    RAN.append("looked")
    return "seen"


def gives(value: dict[str, JsonValue], text: str | None = None) -> ScriptedReply:
    """The model's answer with a value."""
    return asks((OUTPUT_TOOL, value), text=text)


async def ended(world: World, script: Script | Model, **more: Any) -> TypedReply[Invoice]:
    """How a turn ends that is to end in an invoice."""
    session = await world.session(script, look, act, **more)
    reply = await session.append_turn("What is owed?", output=Invoice)
    await check_log(world, session.id)
    return reply


# The value


async def test_a_turn_ends_in_a_value_of_the_type(world: World) -> None:
    reply = await ended(world, [asks("look"), gives(GOOD)])
    assert (reply.outcome, reply.output, reply.value) == ("answered", INVOICE, GOOD)


async def test_the_text_of_the_reply_is_what_was_said_beside_the_value(memory: World) -> None:
    assert (await ended(memory, [gives(GOOD, text="Here it is.")])).text == "Here it is."


async def test_the_tool_is_offered_in_the_requests_of_that_turn_only(memory: World) -> None:
    script = ScriptedModel(["Hello.", gives(GOOD), "Bye."])
    session = await memory.session(script, look)
    await session.append_turn("Hi.")
    await session.append_turn("What is owed?", output=Invoice)
    await session.append_turn("Bye.")
    assert [OUTPUT_TOOL in [spec.name for spec in request.tools] for request in script.requests] == [False, True, False]


async def test_the_model_is_shown_the_schema_of_the_type(memory: World) -> None:
    script = ScriptedModel([gives(GOOD)])
    await ended(memory, script)
    assert script.requests[0].tools[-1].parameters == Invoice.model_json_schema()


async def test_the_request_with_the_tool_can_be_built_again_from_the_log(world: World) -> None:
    session = await world.session([gives(GOOD)], look)
    await session.append_turn("What is owed?", output=Invoice)
    prompt = await session.prompt()
    assert (prompt.agrees, prompt.request.tools[-1].name) == (True, OUTPUT_TOOL)


async def test_the_value_is_given_without_asking_anybody(memory: World) -> None:
    session = await memory.session([gives(GOOD)], act)
    await session.append_turn("What is owed?", output=Invoice)
    assert "PermissionRequested" not in await memory.kinds(session.id)


async def test_gates_are_not_asked_about_the_value(memory: World) -> None:
    class NoCalls:
        name = "no calls"

        async def judge(self, call: ProposedCall) -> Allow | Deny | Modify:
            return Deny("no")

    assert (await ended(memory, [gives(GOOD)], hooks=[NoCalls()])).output == INVOICE


async def test_giving_the_value_is_no_tool_call_for_the_limits(memory: World) -> None:
    session = await memory.session([asks("look"), gives(GOOD)], look, limits=Limits(tool_calls=1))
    assert (await session.append_turn("What is owed?", output=Invoice)).output == INVOICE


async def test_a_value_of_nothing_but_defaults_may_be_given_by_no_arguments_at_all(memory: World) -> None:
    class Nothing(BaseModel):
        more: bool = False

    session = await memory.session([asks(raw(OUTPUT_TOOL, ""))])
    assert (await session.append_turn("Well?", output=Nothing)).output == Nothing()


async def test_a_recursive_type_can_be_an_output(memory: World) -> None:
    script = ScriptedModel([asks((OUTPUT_TOOL, {"name": "a", "children": [{"name": "b"}]}))])
    session = await memory.session(script)
    reply = await session.append_turn("Draw a tree.", output=Node)
    assert reply.output == Node(name="a", children=[Node(name="b")])
    assert script.requests[0].tools[-1].parameters["type"] == "object"


class Node(BaseModel):
    name: str
    children: "list[Node]" = []


async def test_a_long_value_comes_back_whole(world: World) -> None:
    reply = await ended(world, [gives({"customer": "A" + "é" * 20_000, "total": 0})])
    assert reply.output.customer == "A" + "é" * 20_000


# Siblings and inputs


async def test_calls_beside_the_value_run_and_then_the_turn_ends(world: World) -> None:
    await world.turnlog.add_rule(RuleDraft(every_call("allow", "act")))
    reply = await ended(world, [asks("look", (OUTPUT_TOOL, GOOD), ("act", {"what": "it"}))])
    assert (RAN, reply.output) == (["looked", "it"], INVOICE)


async def test_a_turn_whose_value_has_a_sibling_that_waits_has_no_output_yet(world: World) -> None:
    session = await world.session([asks((OUTPUT_TOOL, GOOD), "act")], act)
    reply = await session.append_turn("What is owed?", output=Invoice)
    assert (reply.outcome, reply.value) == ("suspended", None)
    with pytest.raises(CommandRefused, match=reply.waiting_for[0]):
        _ = reply.output
    await session.resolve_permission(reply.waiting_for[0], allow())
    assert (await session.resume_turn(output=Invoice)).output == INVOICE


async def test_of_two_values_in_one_answer_the_last_valid_one_counts(memory: World) -> None:
    other = {**GOOD, "total": 1}
    reply = await ended(memory, [asks((OUTPUT_TOOL, GOOD), (OUTPUT_TOOL, other), (OUTPUT_TOOL, WRONG_FOR_THE_TYPE))])
    assert reply.output.total == 1


async def test_what_is_said_meanwhile_takes_a_new_value(memory: World) -> None:
    @tool(effect="pure")
    async def ask() -> str:
        """Somebody says more while this runs."""
        await session.follow_up("Double it.")
        return "asked"

    script = ScriptedModel([asks("ask", (OUTPUT_TOOL, GOOD)), gives({**GOOD, "total": 25})])
    session = await memory.session(script, ask)
    assert (await session.append_turn("What is owed?", output=Invoice)).output.total == 25


# Repair


async def test_a_value_that_does_not_fit_the_schema_is_repaired_in_the_same_turn(world: World) -> None:
    script = ScriptedModel([gives(WRONG_FOR_THE_SCHEMA), gives(GOOD)])
    assert (await ended(world, script)).output == INVOICE
    (told,) = last_results(script)
    assert "$.total" in told


async def test_a_value_that_the_type_refuses_is_repaired_in_the_same_turn(world: World) -> None:
    script = ScriptedModel([gives(WRONG_FOR_THE_TYPE), gives(GOOD)])
    assert (await ended(world, script)).output == INVOICE
    (told,) = last_results(script)
    assert told.splitlines() == [
        "this is no valid Invoice; correct it and call final_answer again",
        "- customer: Value error, a customer is written with a capital",
    ]


async def test_an_answer_in_words_is_repaired_in_the_same_turn(world: World) -> None:
    script = ScriptedModel(["Ada owes 12.50.", gives(GOOD)])
    assert (await ended(world, script)).output == INVOICE
    last = script.requests[-1].messages[-1].blocks[-1]
    assert last.type == "text"
    assert OUTPUT_TOOL in str(last.text)


async def test_saying_nothing_is_repaired_in_the_same_turn(memory: World) -> None:
    value = ToolCallBlock(call_id="1", name=OUTPUT_TOOL, arguments=json.dumps(GOOD))
    model = ModelOf(lambda request, times: [ModelReply(()) if times == 1 else ModelReply((value,))])
    assert (await ended(memory, model)).output == INVOICE


WRONG: list[ScriptedReply | str] = ["Ada owes 12.50.", gives(WRONG_FOR_THE_SCHEMA), gives(WRONG_FOR_THE_TYPE)]


@pytest.mark.parametrize("wrong", WRONG, ids=["text", "schema", "type"])
async def test_a_model_may_be_wrong_as_often_as_the_settings_say(
    open_world: MakeWorld, wrong: ScriptedReply | str
) -> None:
    world = open_world("memory:", settings=replace(QUICK, output_repairs=2))
    assert (await ended(world, [wrong, wrong, gives(GOOD)])).output == INVOICE


@pytest.mark.parametrize("wrong", WRONG, ids=["text", "schema", "type"])
async def test_a_model_that_is_wrong_more_often_ends_the_turn(
    open_world: MakeWorld, wrong: ScriptedReply | str
) -> None:
    world = open_world("memory:", settings=replace(QUICK, output_repairs=2))
    session = await world.session([wrong, wrong, wrong, gives(GOOD)])
    with pytest.raises(TurnFailure, match="no_output"):
        await session.append_turn("What is owed?", output=Invoice)
    (failed,) = await world.all_of(session.id, TurnFailed)
    assert (failed.code, failed.retryable) == ("no_output", True)
    assert len(await world.all_of(session.id, InputQueued)) == (2 if isinstance(wrong, str) else 0)
    await check_log(world, session.id)


async def test_wrong_answers_of_every_kind_count_together(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=replace(QUICK, output_repairs=2))
    session = await world.session([*WRONG, gives(GOOD)])
    with pytest.raises(TurnFailure, match="no_output"):
        await session.append_turn("What is owed?", output=Invoice)


@pytest.mark.parametrize("wrong", WRONG, ids=["text", "schema", "type"])
async def test_who_resumes_such_a_turn_gives_the_model_as_many_tries_again(
    open_world: MakeWorld, wrong: ScriptedReply | str
) -> None:
    world = open_world("memory:", settings=replace(QUICK, output_repairs=1))
    session = await world.session([wrong, wrong, gives(GOOD)])
    with pytest.raises(TurnFailure):
        await session.append_turn("What is owed?", output=Invoice)
    assert (await session.resume_turn(output=Invoice)).output == INVOICE


async def test_a_rule_against_the_tool_leaves_the_turn_without_a_value(memory: World) -> None:
    await memory.turnlog.add_rule(RuleDraft(every_call("deny", OUTPUT_TOOL)))
    session = await memory.session([gives(GOOD)] * 5)
    with pytest.raises(TurnFailure, match="no_output"):
        await session.append_turn("What is owed?", output=Invoice)
    assert len(await memory.all_of(session.id, ToolCallDenied)) == memory.settings.output_repairs + 1


# Other processes, forks and later turns


async def test_a_process_that_does_not_know_the_type_goes_by_the_schema_in_the_log(shared_url: str) -> None:
    script: Script = [asks("act"), gives(WRONG_FOR_THE_SCHEMA), gives(GOOD)]
    first, second = World(shared_url, worker="first"), World(shared_url, worker="second")
    session = await first.session(script, act)
    reply = await session.append_turn("What is owed?", output=Invoice)
    await session.resolve_permission(reply.waiting_for[0], allow())
    resumed = await (await second.again(session.id, script, act)).resume_turn()
    assert resumed.value == GOOD
    await first.close()
    await second.close()


async def test_the_form_is_in_the_log(world: World) -> None:
    session = await world.session([gives(GOOD)])
    await session.append_turn("What is owed?", output=Invoice)
    (started,) = await world.all_of(session.id, TurnStarted)
    assert started.output is not None
    assert (started.output.name, started.output.json_schema) == ("Invoice", Invoice.model_json_schema())


@pytest.mark.parametrize("kind", [ToolCallStarted, InputQueued])
async def test_a_turn_whose_worker_died_ends_in_the_value_all_the_same(shared_url: str, kind: type[Any]) -> None:
    script: Script = ["Ada owes 12.50.", gives(GOOD)]
    first = World(shared_url, worker="first")
    first.log.after = die_after(kind)
    session = await first.session(script)
    with pytest.raises(Crash):
        await session.append_turn("What is owed?", output=Invoice)
    await first.close()
    second = World(shared_url, worker="second")
    again = await second.again(session.id, script)
    assert (await again.resume_turn(output=Invoice)).output == INVOICE
    await check_log(second, session.id)
    await second.close()


async def test_a_value_taken_without_the_type_that_is_none_of_it_is_told(shared_url: str) -> None:
    script: Script = [asks("act"), asks((OUTPUT_TOOL, WRONG_FOR_THE_TYPE), "act")]
    first, second = World(shared_url, worker="first"), World(shared_url, worker="second")
    session = await first.session(script, act)
    reply = await session.append_turn("What is owed?", output=Invoice)
    await session.resolve_permission(reply.waiting_for[0], allow())
    waiting = await (await second.again(session.id, script, act)).resume_turn()
    await session.resolve_permission(waiting.waiting_for[0], allow())
    with pytest.raises(InvalidInput, match="no Invoice"):
        await session.resume_turn(output=Invoice)
    await first.close()
    await second.close()


async def test_resuming_as_another_type_is_refused(memory: World) -> None:
    session = await memory.session([asks("act"), gives(GOOD)], act)
    reply = await session.append_turn("What is owed?", output=Invoice)
    await session.resolve_permission(reply.waiting_for[0], allow())
    with pytest.raises(CommandRefused, match="Invoice, not in Node"):
        await session.resume_turn(output=Node)


async def test_resuming_a_turn_that_ends_in_words_as_a_type_is_refused(memory: World) -> None:
    session = await memory.session([asks("act"), "Done."], act)
    reply = await session.append_turn("Act.")
    await session.resolve_permission(reply.waiting_for[0], allow())
    with pytest.raises(CommandRefused, match="no value, not in Invoice"):
        await session.resume_turn(output=Invoice)


async def test_a_turn_that_ended_in_a_value_leaves_nothing_to_resume(memory: World) -> None:
    session = await memory.session([gives(GOOD)])
    await session.append_turn("What is owed?", output=Invoice)
    with pytest.raises(NothingToResume):
        await session.resume_turn(output=Invoice)


async def test_a_fork_of_an_unfinished_turn_ends_in_the_value_too(memory: World) -> None:
    script = ScriptedModel([asks("act"), gives(GOOD)])
    session = await memory.session(script, act)
    await session.append_turn("What is owed?", output=Invoice)
    fork = await session.fork()
    assert (await fork.resume_turn(output=Invoice)).output == INVOICE


async def test_in_a_later_turn_there_is_no_such_tool(memory: World) -> None:
    script = ScriptedModel([gives(GOOD), gives(GOOD), "Done."])
    session = await memory.session(script, look)
    await session.append_turn("What is owed?", output=Invoice)
    reply = await session.append_turn("And now?")
    assert (reply.text, reply.value) == ("Done.", None)
    assert last_results(script)[0].startswith("there is no tool 'final_answer'")


# What cannot be


class Numbers(RootModel[list[int]]):
    pass


class Endless(BaseModel):
    limit: float = float("inf")


class Nameless(BaseModel):
    what: type[Any]


class Lettered(BaseModel):
    word: str = Field(pattern=r"^\p{L}+$")


@pytest.mark.parametrize("output", [Numbers, Endless, Nameless, Lettered])
async def test_a_type_that_json_schema_cannot_describe_is_refused_before_the_turn_begins(
    memory: World, output: type[BaseModel]
) -> None:
    session = await memory.session(["Done."])
    with pytest.raises(InvalidInput, match=output.__name__):
        await session.append_turn("Go.", output=output)
    assert await memory.kinds(session.id) == ["SessionStarted"]


@tool(name=OUTPUT_TOOL, effect="pure")
async def mine() -> str:
    """A tool under a name that is taken."""
    return ""


async def test_a_tool_of_ones_own_cannot_have_the_name(memory: World) -> None:
    with pytest.raises(InvalidInput, match=OUTPUT_TOOL):
        await memory.session(["Done."], mine)


async def test_a_session_that_has_such_a_tool_all_the_same_gives_no_value(memory: World) -> None:
    session = await memory.session(["Done."], look)
    await session.configure(tools=[OUTPUT_TOOL])
    with pytest.raises(InvalidInput, match=OUTPUT_TOOL):
        await session.append_turn("What is owed?", output=Invoice)
    assert "TurnStarted" not in await memory.kinds(session.id)


async def test_in_a_turn_that_ends_in_words_such_a_tool_is_offered_once(memory: World) -> None:
    session = await memory.session(["Done."], look)
    await session.configure(tools=[OUTPUT_TOOL])
    script = ScriptedModel(["Done."])
    await (await memory.again(session.id, script, mine)).append_turn("Go.")
    assert [spec.name for spec in script.requests[0].tools].count(OUTPUT_TOOL) == 1


async def test_values_of_words_only_are_written_as_they_are(memory: World) -> None:
    reply = await ended(memory, [asks(raw(OUTPUT_TOOL, json.dumps({"customer": "É", "total": 0})))])
    assert reply.output.customer == "É"
