"""Every kind of text, everywhere a person, a model or a tool can put it."""

import pytest

from turnlog.domain import ModelError, ModelReply, TextBlock, TurnFailure, TurnlogError, every_call
from turnlog.runtime import RuleDraft, allow, deny

from .world import ModelOf, ScriptedModel, World, asks, check_log, last_results, tool

KINDS = {
    "accents": "Zoë à côté",
    "combining": "e\u0301\u0323",
    "astral": "𝔘𝔫𝔦 😀👩‍👩‍👧‍👦",
    "right to left": "\u202eabc\u202c עברית",
    "controls": "a\x01\x1b[31m\x7f",
    "NUL": "a\0b",
    "line ends": "a\r\nb\u2028c\u2029d\x85e",
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "byte order mark": "\ufeffa",
    "half a pair": "a\ud800b",
    "the other half": "\udfff",
    "halves the wrong way round": "\udc00\ud83d",
}
HALF = "a\ud800b"

each_kind = pytest.mark.parametrize("text", KINDS.values(), ids=KINDS)


def stored(text: str) -> str:
    """The text as any database can hold it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@each_kind
async def test_what_a_person_says_reaches_the_model(world: World, text: str) -> None:
    script = ScriptedModel(["Yes."])
    session = await world.session(script)
    await session.append_turn(text)
    (block,) = script.requests[0].messages[0].blocks
    assert isinstance(block, TextBlock)
    assert block.text == stored(text)


@each_kind
async def test_what_a_tool_returns_reaches_the_model(world: World, text: str) -> None:
    @tool(effect="pure")
    def say() -> str:
        """Say it."""
        return text

    script = ScriptedModel([asks("say"), "Done."])
    session = await world.session(script, say)
    await session.append_turn("Go.")
    assert last_results(script) == [stored(text)]
    await check_log(world, session.id)


@each_kind
async def test_what_a_model_writes_reaches_the_tool(memory: World, text: str) -> None:
    given: list[str] = []

    @tool(effect="pure")
    def hear(what: str) -> str:
        """Hear it."""
        given.append(what)
        return "heard"

    text = stored(text)
    session = await memory.session([asks(("hear", {"what": text}), text=text), "Done."], hear)
    await session.append_turn("Go.")
    assert given == [text]
    await check_log(memory, session.id)


@each_kind
async def test_a_person_is_shown_arguments_of_every_kind(memory: World, text: str) -> None:
    @tool
    def send(what: str) -> str:
        """Send it."""
        return what

    session = await memory.session([asks(("send", {"what": stored(text)})), "Done."], send)
    waiting = await session.append_turn("Go.")
    await session.resolve_permission(waiting.waiting_for[0], allow(stored(text)))
    assert (await session.resume_turn()).text == "Done."


@each_kind
async def test_a_title_may_be_anything_that_is_not_blank(world: World, text: str) -> None:
    session = await world.session(["Yes."], title=text)
    await session.rename(f"{text}!")
    assert (await session.metadata()).title == " ".join(f"{stored(text)}!".split())


@each_kind
async def test_a_system_prompt_reaches_the_model(memory: World, text: str) -> None:
    script = ScriptedModel(["Yes."])
    session = await memory.session(script, system=text)
    await session.append_turn("Go.")
    assert script.requests[0].system == stored(text)


async def test_a_reason_with_half_a_pair_denies_a_call(world: World) -> None:
    script = ScriptedModel([asks("send"), "Done."])
    session = await world.session(script, tool(name="send")(lambda: "sent"))
    waiting = await session.append_turn("Go.")
    await session.resolve_permission(waiting.waiting_for[0], deny(HALF))
    await session.resume_turn()
    assert last_results(script) == [f"denied by the person asked: {stored(HALF)}"]


async def test_a_reason_with_half_a_pair_cancels_a_turn(memory: World) -> None:
    session = await memory.session([asks("send"), "Done."], tool(name="send")(lambda: "sent"))
    await session.append_turn("Go.")
    await session.cancel(HALF)
    assert (await session.metadata()).status == "idle"


async def test_a_rule_with_half_a_pair_is_kept(memory: World) -> None:
    await memory.turnlog.add_rule(RuleDraft(every_call("allow", "send", HALF)))
    assert [rule.reason for rule in await memory.turnlog.rules()] == [stored(HALF)]


async def test_a_fork_may_be_given_a_title_with_half_a_pair(memory: World) -> None:
    session = await memory.session(["Yes."])
    child = await session.fork(title=HALF)
    assert (await child.metadata()).title == stored(HALF)


@pytest.mark.parametrize("project", [HALF, "a\0b"])
async def test_a_project_no_database_can_hold_is_refused_or_works(world: World, project: str) -> None:
    try:
        session = await world.session([asks("send"), "Done."], tool(name="send")(lambda: "sent"), project=project)
    except TurnlogError:
        return
    assert (await session.append_turn("Go.")).outcome == "suspended"


@pytest.mark.parametrize("retryable", [True, False])
async def test_an_error_with_half_a_pair_ends_the_turn_as_failed(memory: World, retryable: bool) -> None:
    def fails(*_: object) -> list[ModelReply]:
        raise ModelError("server", HALF, retryable=retryable)

    session = await memory.session(ModelOf(fails))
    with pytest.raises(TurnFailure):
        await session.append_turn("Go.")
    assert (await session.metadata()).status == "failed"
