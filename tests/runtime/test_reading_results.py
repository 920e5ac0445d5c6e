"""read_tool_result: what was cut can be read on, page by page, from the log and nothing else."""

import json
import re
from typing import Any

import pytest

from turnlog.domain import InvalidInput, ModelReply, TextBlock, ToolCallBlock, ToolCallFinished, ToolImage, ToolOutput
from turnlog.runtime import SessionHandle, Settings

from .conftest import MakeWorld
from .world import ModelOf, World, asks, last_results, tool

LINES = "".join(f"line {n} é\n" for n in range(1, 5_001))
GIANT = "a" + "😀" * 50_000 + "\nend"


async def printed(world: World, returned: object) -> tuple[SessionHandle, str]:
    """A session in which a tool returned something, and the id of its call."""
    session = await world.session([asks("print"), "Printed."], tool(name="print", effect="pure")(lambda: returned))
    await session.append_turn("Print.")
    (finished,) = await world.all_of(session.id, ToolCallFinished)
    return session, finished.call_id


async def read(world: World, session_id: str, **arguments: Any) -> str:
    """What a model gets that reads, in a handle that has no tools of its own."""
    call = ToolCallBlock(call_id="1", name="read_tool_result", arguments=json.dumps(arguments))
    model = ModelOf(lambda request, number: [ModelReply((call if number == 1 else TextBlock(text="Read."),))])
    await (await world.again(session_id, model)).append_turn("Read.")
    (told,) = last_results(model)
    return told


async def read_all(world: World, session_id: str, call_id: str) -> str:
    """The whole result, from page to page as each says where the next begins."""
    found, place = "", {"offset": 1}
    while place:
        page, _, notice = (await read(world, session_id, call_id=call_id, **place)).rpartition("[")
        found += page[:-1] if "characters" in notice else page  # the notice is on a line of its own
        following = notice.partition("more at ")[2]
        place = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", following)}
    return found


async def test_it_is_on_offer_wherever_there_are_tools(memory: World) -> None:
    with_tools = await memory.session([], tool(name="it")(lambda: "x"))
    assert (await with_tools.state()).tools == ("it", "read_tool_result")
    assert (await (await memory.session([])).state()).tools == ()


async def test_it_stays_on_offer_when_other_tools_are_chosen(memory: World) -> None:
    session = await memory.session([], tool(name="it")(lambda: "x"))
    await session.configure(tools=["read_file"])
    assert (await session.state()).tools == ("read_file", "read_tool_result")


async def test_no_other_tool_has_its_name(memory: World) -> None:
    with pytest.raises(InvalidInput, match="belongs to a tool of turnlog"):
        await memory.session([], tool(name="read_tool_result")(lambda: "x"))


async def test_a_result_that_was_cut_can_be_read_on_where_it_was_cut(world: World) -> None:
    session, call_id = await printed(world, LINES)
    told = await read(world, session.id, call_id=call_id, offset=2_001)
    assert told.startswith("line 2001 é\n")
    assert told.endswith("line 4000 é\n[lines 2,001 to 4,000 of 5,000; more at offset 4001]")


TEXTS = {
    "lines": LINES,
    "a giant line": GIANT,
    "lines that end in CRLF": "a\r\n" * 4_500,
    "what is no line end": "a\x0c\x85\u2028\n" * 4_500,
    "blank lines": "\n" * 4_001 + "x",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_page_after_page_is_the_whole(memory: World, text: str) -> None:
    session, call_id = await printed(memory, text)
    assert (await read_all(memory, session.id, call_id)).removesuffix("\n") == text.removesuffix("\n")


async def test_a_line_too_long_for_a_page_is_read_by_characters(memory: World) -> None:
    session, call_id = await printed(memory, GIANT)
    told = await read(memory, session.id, call_id=call_id, character=12_801)
    assert told == "😀" * 12_800 + "\n[characters 12,801 to 25,600 of line 1 of 2; more at offset 1, character 25601]"


async def test_the_end_of_a_long_line_is_followed_by_the_next_lines(memory: World) -> None:
    session, call_id = await printed(memory, GIANT)
    told = await read(memory, session.id, call_id=call_id, character=50_001)
    assert told == "😀\nend\n[lines 1 (from its character 50,001) to 2 of 2; this is the end]"


async def test_a_page_has_no_more_lines_than_asked_for(memory: World) -> None:
    session, call_id = await printed(memory, LINES)
    told = await read(memory, session.id, call_id=call_id, offset=7, limit=2)
    assert told == "line 7 é\nline 8 é\n[lines 7 to 8 of 5,000; more at offset 9]"


async def test_a_page_has_no_more_lines_than_a_result_may_have(memory: World) -> None:
    session, call_id = await printed(memory, LINES)
    told = await read(memory, session.id, call_id=call_id, limit=5_000)
    assert told.endswith("[lines 1 to 2,000 of 5,000; more at offset 2001]")


async def test_a_page_is_never_cut_again(open_world: MakeWorld) -> None:
    world = open_world("memory:", settings=Settings(result_lines=1, result_bytes=8, poll_seconds=0.02))
    session, call_id = await printed(world, "one\ntwo\nthree and more\n")
    assert await read(world, session.id, call_id=call_id, offset=2) == "two\n[lines 2 to 2 of 3; more at offset 3]"
    assert await read_all(world, session.id, call_id) == "one\ntwo\nthree and more\n"


async def test_a_short_result_can_be_read_too(memory: World) -> None:
    session, call_id = await printed(memory, "short")
    assert await read(memory, session.id, call_id=call_id) == "short\n[lines 1 to 1 of 1; this is the end]"


async def test_of_images_it_only_says_that_they_are_there(memory: World) -> None:
    session, call_id = await printed(memory, ToolOutput(("text", ToolImage(b"GIF89a", "image/gif"))))
    assert (await read(memory, session.id, call_id=call_id)).endswith("end; images of the result, not repeated: 1]")


async def test_it_reads_after_a_restart(shared_url: str, open_world: MakeWorld) -> None:
    session, call_id = await printed(open_world(shared_url), LINES)
    later = open_world(shared_url, worker="later")
    assert (await read(later, session.id, call_id=call_id, offset=5_000)).startswith("line 5000 é\n")


async def test_a_fork_reads_the_results_of_its_parent(world: World) -> None:
    session, call_id = await printed(world, LINES)
    child = await session.fork()
    assert (await read(world, child.id, call_id=call_id, offset=5_000)).startswith("line 5000 é\n")


async def test_a_session_does_not_read_the_results_of_another(memory: World) -> None:
    _, call_id = await printed(memory, LINES)
    other, own = await printed(memory, "mine")
    told = await read(memory, other.id, call_id=call_id)
    assert told.startswith(f"There is no result with call_id '{call_id}'")
    assert own in told


async def test_an_unknown_call_is_an_error_that_lists_what_can_be_read(memory: World) -> None:
    session, call_id = await printed(memory, LINES)
    told = await read(memory, session.id, call_id="nothing")
    assert told == (
        "There is no result with call_id 'nothing'. These can be read, the latest first:\n"
        f"  {call_id}  print  (was cut)"
    )
    assert (await memory.all_of(session.id, ToolCallFinished))[-1].is_error


async def test_a_place_behind_the_end_is_an_error(memory: World) -> None:
    session, call_id = await printed(memory, LINES)
    assert await read(memory, session.id, call_id=call_id, offset=5_001) == (
        "the result has 5,000 lines, so none at offset 5,001"
    )


@pytest.mark.parametrize("wrong", [{"offset": 0}, {"limit": 0}, {"character": 1.5}, {"line": 3}, {"offset": 10**20}])
async def test_arguments_that_make_no_sense_are_refused(memory: World, wrong: dict[str, Any]) -> None:
    session, call_id = await printed(memory, LINES)
    assert "do not fit its schema" in await read(memory, session.id, call_id=call_id, **wrong)


async def test_a_session_from_before_the_tool_is_not_told_of_it(memory: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnlog.runtime.creating.with_reader", tuple)
    session = await memory.session([asks("print"), "x"], tool(name="print", effect="pure")(lambda: LINES))
    await session.append_turn("Print.")
    (message,) = [m for m in await session.history() if m.blocks[0].type == "tool_result"]
    assert "characters shown]" in message.model_dump_json()
