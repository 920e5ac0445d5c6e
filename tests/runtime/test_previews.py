"""What a tool shows of a call to whoever is asked: beside the call, cut, in no case in its way."""

from collections.abc import Callable, Mapping
from threading import Event

import pytest
from pydantic import JsonValue

from turnlog.domain import PermissionRequested, Tool
from turnlog.runtime import PermissionDecision, PermissionRequest, Settings, allow

from .conftest import MakeWorld
from .world import FunctionTool, ScriptedModel, World, asks, last_results, tool

Arguments = Mapping[str, JsonValue]
Preview = Callable[[Arguments], object]
"""A preview, whatever it returns."""


def sends(preview: Preview) -> Tool:
    """A tool with this preview, whatever the types say of it."""

    @tool(name="send", preview=preview)  # type: ignore[arg-type]
    def send(to: str) -> str:
        """Send."""
        return f"sent to {to}"

    assert isinstance(send, FunctionTool)
    found: Tool = send
    return found


async def shown_of(world: World, preview: Preview) -> str:
    """What a person is shown of a call to ada."""
    session = await world.session(ScriptedModel([asks(("send", {"to": "ada"})), "Done."]), sends(preview))
    await session.append_turn("Send it.")
    (request,) = await world.all_of(session.id, PermissionRequested)
    return await world.turnlog.text(request.display)


async def test_it_stands_beside_the_arguments(memory: World) -> None:
    shown = await shown_of(memory, lambda arguments: f"Dear {arguments['to']},\nhello")
    assert shown == 'send\n  to: "ada"\n  preview:\n  | Dear ada,\n  | hello'


async def test_without_one_nothing_is_added(memory: World) -> None:
    assert await shown_of(memory, lambda arguments: None) == 'send\n  to: "ada"'


async def test_nothing_in_it_passes_for_something_else(memory: World) -> None:
    shown = await shown_of(memory, lambda arguments: "\x1b[2Jx\u202e\n  to: nobody")
    assert shown.splitlines()[3:] == ['  | "\\u001b[2Jx\\u202e"', "  |   to: nobody"]


def _raises(arguments: Arguments) -> str:
    raise RuntimeError("no preview\x00today")


def _a_number(arguments: Arguments) -> object:
    return 7


def _wants_more(arguments: Arguments, more: object) -> str:
    return ""


@pytest.mark.parametrize(
    ("preview", "said"), [(_raises, "RuntimeError"), (_a_number, "int, not text"), (_wants_more, "TypeError")]
)
async def test_one_that_fails_is_said_to(memory: World, preview: Preview, said: str) -> None:
    last = (await shown_of(memory, preview)).splitlines()[-1]
    assert last.startswith("  preview failed: ")
    assert said in last


async def test_one_that_never_ends_is_not_waited_for(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=Settings(hook_seconds=0.05))
    over = Event()
    try:
        assert "took longer than 0.05 s" in await shown_of(world, lambda arguments: str(over.wait(10)))
    finally:
        over.set()


async def test_one_too_long_is_cut_and_the_call_is_asked_about(memory: World) -> None:
    shown = await shown_of(memory, lambda arguments: "x" * 1_000_000)
    assert len(shown) < 20_000
    assert shown.endswith("and 983,616 characters more")


async def test_what_it_does_to_the_arguments_is_without_effect(memory: World) -> None:
    def changes(arguments: Arguments) -> str:
        assert isinstance(arguments, dict)
        arguments["to"] = "eve"
        return "harmless"

    model = ScriptedModel([asks(("send", {"to": "ada"})), "Done."])
    session = await memory.session(model, sends(changes))

    async def yes(request: PermissionRequest) -> PermissionDecision:
        return allow()

    await session.append_turn("Send it.", approvals=yes)
    assert last_results(model) == ["sent to ada"]


async def test_a_secret_in_it_is_not_shown(open_world: MakeWorld) -> None:
    world = open_world("memory:", secrets={"KEY": "key-0123456789"})
    assert "  | by [secret KEY]" in await shown_of(world, lambda arguments: "by key-0123456789")


async def test_a_long_reason_why_there_is_none_is_cut(memory: World) -> None:
    def fails(arguments: Arguments) -> str:
        raise RuntimeError("x" * 1_000_000)

    shown = await shown_of(memory, fails)
    assert "preview failed: RuntimeError: xxx" in shown
    assert len(shown) < 20_000
