"""What a model writes that makes no sense: refused with a reason, while its siblings run."""

import gc
import json
from collections.abc import Callable, Iterator, Mapping

import pytest
from pydantic import JsonValue

from turnlog.domain import (
    ToolCallDenied,
    ToolCallFinished,
    ToolCallStarted,
    ToolContext,
    ToolOutput,
    ToolSpec,
    every_call,
)
from turnlog.runtime import RuleDraft, allow

from .world import ScriptedCall, ScriptedModel, World, asks, check_log, last_results, raw, tool

GIVEN: list[tuple[int, object]] = []


@pytest.fixture
def nothing_to_collect() -> Iterator[None]:
    """What earlier tests left is not collected meanwhile: its finalizers have no stack left where a call is deepest."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@tool(effect="pure")
def take(number: int = 0, thing: object = None) -> str:
    """Take anything."""
    GIVEN.append((number, thing))
    return f"took {number}"


def nested(depth: int) -> str:
    return f'{{"thing": {"[" * depth}{"]" * depth}}}'


def nested_objects(depth: int) -> str:
    return '{"thing": ' * depth + "1" + "}" * depth


NONSENSE = {
    "not JSON": "{number: 1}",
    "half of it": '{"number": 1',
    "two values": "{} {}",
    "a list": "[1]",
    "a string": '"number"',
    "null": "null",
    "blank": " ",
    "a word where a number belongs": '{"number": "one"}',
    "a fraction where an integer belongs": '{"number": 1.5}',
    "a name nobody knows": '{"other": 1}',
    "the same key twice": '{"number": 1, "number": 2}',
    "the same key twice, deep inside": '{"thing": [{"a": 1, "a": 2}]}',
    "NaN": '{"number": 1, "thing": NaN}',
    "Infinity": '{"thing": Infinity}',
    "a number beyond all floats": '{"thing": 1e999}',
    "an integer of 5000 digits": f'{{"thing": {"9" * 5000}}}',
    "half a surrogate pair": r'{"thing": "\ud800"}',
    "half a surrogate pair in a key": r'{"thing": {"\udfff": 1}}',
    "half a surrogate pair in an unknown name": r'{"\ud800": 1}',
    "lists in lists, 100,000 deep": nested(100_000),
    "objects in objects, 100,000 deep": nested_objects(100_000),
}


@pytest.mark.parametrize("text", NONSENSE.values(), ids=NONSENSE)
async def test_a_call_that_makes_no_sense_is_refused_and_its_siblings_run(memory: World, text: str) -> None:
    script = ScriptedModel([asks(("take", {"number": 1}), raw("take", text), ("take", {"number": 2})), "Done."])
    session = await memory.session(script, take)
    assert (await session.append_turn("Go.")).text == "Done."
    results = last_results(script)
    assert (results[0], results[2]) == ("took 1", "took 2")
    (denied,) = await memory.all_of(session.id, ToolCallDenied)
    assert (denied.by, denied.reason.strip()) == ("invalid", results[1])
    await check_log(memory, session.id)


@pytest.mark.usefixtures("nothing_to_collect")
@pytest.mark.parametrize("depth", [50, 100, 200, 300, 400, 500, 700, 900, 950, 990, 1500])
@pytest.mark.parametrize("shape", [nested, nested_objects])
async def test_deep_arguments_run_or_are_refused_but_never_break_the_turn(
    memory: World, shape: Callable[[int], str], depth: int
) -> None:
    session = await memory.session([asks(raw("take", shape(depth))), "Done."], take)
    assert (await session.append_turn("Go.")).text == "Done."


@pytest.mark.usefixtures("nothing_to_collect")
@pytest.mark.parametrize("depth", [50, 100, 200, 300, 400, 500, 700, 900])
async def test_deep_arguments_of_a_call_that_asks_are_shown_or_refused(memory: World, depth: int) -> None:
    @tool
    def change(thing: object) -> str:
        """Change something."""
        return "changed"

    session = await memory.session([asks(raw("change", nested(depth))), "Done."], change)
    assert (await session.append_turn("Go.")).outcome in ("answered", "suspended")


async def test_an_unknown_tool_is_answered_with_the_tools_on_offer(world: World) -> None:
    script = ScriptedModel([asks("tkae", ("take", {"number": 1})), "Done."])
    session = await world.session(script, take)
    await session.append_turn("Go.")
    assert last_results(script) == ["there is no tool 'tkae'; the tools on offer are: read_tool_result, take", "took 1"]


async def test_every_call_has_one_terminal_event(world: World) -> None:
    calls = [raw("take", text) for text in NONSENSE.values()]
    session = await world.session([asks(*calls, "take", "nobody"), "Done."], take)
    await session.append_turn("Go.")
    ends = [event for event in await world.events(session.id) if isinstance(event, ToolCallFinished | ToolCallDenied)]
    assert len(ends) == len({event.call_id for event in ends}) == len(NONSENSE) + 2


@pytest.mark.parametrize("text", ["", "{}"])
async def test_no_arguments_at_all_are_an_empty_object(world: World, text: str) -> None:
    script = ScriptedModel([asks(raw("take", text)), "Done."])
    session = await world.session(script, take)
    await session.append_turn("Go.")
    assert last_results(script) == ["took 0"]


async def test_integers_beyond_floats_reach_the_tool_as_they_are(world: World) -> None:
    GIVEN.clear()
    big = 2**53 + 1
    session = await world.session([asks(("take", {"number": big, "thing": 10**300})), "Done."], take)
    await session.append_turn("Go.")
    assert [(big, 10**300)] == GIVEN


async def test_integers_that_one_float_stands_for_have_different_digests(world: World) -> None:
    calls = [ScriptedCall(name="take", arguments={"number": number}) for number in (2**53, 2**53 + 1, 2**53 + 2)]
    session = await world.session([asks(*calls), "Done."], take)
    await session.append_turn("Go.")
    digests = [event.input_digest for event in await world.all_of(session.id, ToolCallStarted)]
    assert len(set(digests)) == 3


async def test_an_approval_of_one_big_integer_does_not_allow_its_neighbour(memory: World) -> None:
    @tool
    def pay(amount: int) -> str:
        """Pay it."""
        return f"paid {amount}"

    first, second = 2**60, 2**60 + 1
    session = await memory.session([asks(("pay", {"amount": first})), asks(("pay", {"amount": second})), "Done."], pay)
    waiting = await session.append_turn("Pay.")
    await session.resolve_permission(waiting.waiting_for[0], allow(remember="session"))
    reply = await session.resume_turn()
    assert (reply.outcome, reply.reason) == ("suspended", "permission")


async def test_the_order_of_keys_does_not_change_what_is_remembered(memory: World) -> None:
    @tool
    def pay(to: str, amount: int) -> str:
        """Pay it."""
        return f"paid {to} {amount}"

    calls = [raw("pay", '{"to": "bo", "amount": 1}'), raw("pay", '{"amount":1,"to":"bo"}')]
    session = await memory.session([asks(calls[0]), asks(calls[1]), "Done."], pay)
    waiting = await session.append_turn("Pay.")
    await session.resolve_permission(waiting.waiting_for[0], allow(remember="session"))
    assert (await session.resume_turn()).text == "Done."


async def test_very_long_arguments_are_kept_whole_and_out_of_the_event(world: World) -> None:
    @tool(effect="pure")
    def measure(text: str) -> str:
        """Measure it."""
        return f"{len(text)}"

    script = ScriptedModel([asks(raw("measure", json.dumps({"text": "é" * 100_000}))), "Done."])
    session = await world.session(script, measure)
    await session.append_turn("Measure.")
    assert last_results(script) == ["100000"]


async def test_what_makes_no_sense_is_not_asked_about(memory: World) -> None:
    @tool
    def change(number: int) -> str:
        """Change something."""
        return "changed"

    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "change")))
    session = await memory.session([asks(raw("change", "{}")), "Done."], change)
    assert (await session.append_turn("Go.")).outcome == "answered"
    assert "PermissionRequested" not in await memory.kinds(session.id)


class Unusable:
    """A tool whose schema no validator understands, as another server might offer one."""

    @property
    def spec(self) -> ToolSpec:
        schema: dict[str, JsonValue] = {"type": "object", "properties": {"x": {"type": "strange"}}}
        return ToolSpec(name="unusable", description="Nothing.", parameters=schema, effect="pure")

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        return "unusable"

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        raise AssertionError("it must not run")


async def test_a_tool_whose_schema_cannot_be_used_is_refused_and_its_siblings_run(memory: World) -> None:
    script = ScriptedModel([asks(("unusable", {"x": 1}), ("take", {"number": 2})), "Done."])
    session = await memory.session(script, Unusable(), take)
    assert (await session.append_turn("Go.")).text == "Done."
    refused, ran = last_results(script)
    assert "the schema of unusable cannot be used" in refused
    assert ran == "took 2"


UNUSABLE: dict[str, dict[str, JsonValue]] = {
    "refers to itself": {"$ref": "#"},
    "refers to nothing": {"properties": {"thing": {"$ref": "#/$defs/gone"}}},
    "refers to another place": {"properties": {"thing": {"$ref": "http://127.0.0.1:9/schema"}}},
    "refers to a file": {"properties": {"thing": {"$ref": "file:///etc/hostname"}}},
}


@pytest.mark.parametrize("schema", UNUSABLE.values(), ids=UNUSABLE)
async def test_a_schema_that_leads_nowhere_refuses_the_call_and_fetches_nothing(
    memory: World, schema: Mapping[str, JsonValue]
) -> None:
    class Odd:
        spec = ToolSpec(name="odd", description="Odd.", parameters={"type": "object", **schema}, effect="pure")

        def show(self, arguments: Mapping[str, JsonValue]) -> str:
            return "odd"

        async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
            raise AssertionError("it makes no sense")

    script = ScriptedModel([asks(("odd", {"thing": 1})), "Done."])
    session = await memory.session(script, Odd())
    assert (await session.append_turn("Go.")).text == "Done."
    assert "the schema of odd cannot be used" in last_results(script)[0]
