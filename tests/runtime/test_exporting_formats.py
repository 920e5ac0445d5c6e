"""A session as other tools and people read it: OpenAI's chat messages, OpenTelemetry's spans, Markdown."""

import asyncio
import base64
import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, Turnlog, tool
from turnlog.domain import (
    Actor,
    BlobRef,
    ImageBlock,
    Message,
    Recorded,
    Stamp,
    TextBlock,
    ToolCallBlock,
    ToolCallFinished,
    ToolCallStarted,
    ToolResultBlock,
    TurnStarted,
)
from turnlog.projections import TRANSCRIPT, exports, messages, project

from ..projections.random_stories import stories
from ..projections.story import Story
from .exported import LONG, PICTURE, answered, document, exported, send, taken_in, told

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
IMAGE = ImageBlock(image=BlobRef(sha256="b" * 64, size=len(PICTURE), media_type="image/png"))


@tool(effect="pure")
def fail() -> str:
    """Fail."""
    raise ValueError("no")


# OpenAI


async def test_a_conversation_is_what_chat_completions_takes() -> None:
    async with Turnlog.open("memory:") as log:
        session = await told(log)
        chat = await document(log, session.id, "openai")
    assert chat["model"] == "demo"
    assert [message["role"] for message in chat["messages"]] == [
        *("system", "user", "assistant", "tool", "assistant", "user", "assistant")
    ]
    system, user, asks, result, *_, last = chat["messages"]
    assert (system["content"], user["content"]) == ("Be brief.", "Send it to Ada.")
    assert asks["content"] == "Sending."
    (asked,) = asks["tool_calls"]
    assert asked["function"] == {"name": "send", "arguments": '{"to": "Ada"}'}
    assert (result["tool_call_id"], result["content"]) == (asked["id"], "sent to Ada 🦜")
    assert last["content"] == LONG
    assert [tool["function"]["name"] for tool in chat["tools"]][:1] == ["send"]


def test_images_go_to_the_user_where_a_tool_gave_them() -> None:
    call = ToolCallBlock(call_id="c1", name="look", arguments="{}")
    seen = ToolResultBlock(call_id="c1", name="look", content=(TextBlock(text="Here."), IMAGE))
    told = [
        Message(role="user", blocks=(TextBlock(text="Look."), IMAGE)),
        Message(role="assistant", blocks=(call,)),
        Message(role="user", blocks=(seen,)),
    ]
    first, asks, result, picture = exports.openai_chat.chat(None, told, lambda _: PICTURE)
    url = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    image = {"type": "image_url", "image_url": {"url": url}}
    assert first == {"role": "user", "content": [{"type": "text", "text": "Look."}, image]}
    assert isinstance(asks, dict)
    assert asks["content"] is None
    assert isinstance(result, dict)
    assert str(result["content"]).startswith("Here.\n\n[image/png, ")
    assert picture == {"role": "user", "content": [image]}


@given(stories(40))
@settings(max_examples=40, suppress_health_check=SLOW)
def test_every_call_of_any_story_is_answered_right_after_it(story: Story) -> None:
    told = messages(project(TRANSCRIPT, story.history))
    chat: list[Any] = exports.openai_chat.chat(None, told, lambda _: b"")
    open_calls: list[str] = []
    for message in chat:
        if message["role"] == "tool":
            assert open_calls.pop(0) == message["tool_call_id"]
            continue
        assert not open_calls
        open_calls = [call["id"] for call in message.get("tool_calls", ())]
    json.dumps(chat)


# OpenTelemetry


def spans_of(traces: Any) -> list[dict[str, Any]]:
    return [
        {**span, "about": {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}}
        for resource in traces["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


async def test_a_turn_is_a_trace_of_its_requests_and_tools() -> None:
    async with Turnlog.open("memory:") as log:
        session = await told(log)
        spans = spans_of(await document(log, session.id, "otel"))
    first = [span for span in spans if span["traceId"] == spans[0]["traceId"]]
    assert [span["name"] for span in first] == ["invoke_agent", "chat demo", "execute_tool send", "chat demo"]
    assert len({span["traceId"] for span in spans}) == 2
    assert len({span["spanId"] for span in spans}) == len(spans)
    root, *others = first
    assert "parentSpanId" not in root
    assert {span["parentSpanId"] for span in others} == {root["spanId"]}
    assert {span["about"]["gen_ai.conversation.id"] for span in spans} == {session.id}
    assert [span["kind"] for span in first] == [1, 3, 1, 3]


async def test_spans_have_the_names_of_the_conventions() -> None:
    async with Turnlog.open("memory:") as log:
        _, chat, ran, *_ = spans_of(await document(log, (await told(log)).id, "otel"))
    names = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")
    assert [chat["about"][name] for name in names] == ["chat", "scripted", "demo"]
    assert {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.response.id"} <= chat["about"].keys()
    assert ran["about"]["gen_ai.operation.name"] == "execute_tool"
    assert ran["about"]["gen_ai.tool.name"] == "send"
    assert ran["status"] == {"code": 1}


async def test_nothing_that_was_said_is_in_a_span() -> None:
    async with Turnlog.open("memory:") as log:
        data = await exported(log, (await told(log)).id, format="otel")
    assert b"Sending." not in data
    assert b"Ada" not in data


async def test_a_persons_answer_is_a_wait() -> None:
    async with Turnlog.open("memory:") as log:
        spans = spans_of(await document(log, (await answered(log)).id, "otel"))
    (wait,) = [span for span in spans if span["name"] == "permission.wait"]
    assert wait["about"]["turnlog.permission.outcome"] == "allowed"
    assert [event["name"] for event in spans[0]["events"]] == ["turnlog.turn.suspended", "turnlog.turn.resumed"]


async def test_ids_and_times_are_the_same_wherever_they_are_exported() -> None:
    async with Turnlog.open("memory:") as log, Turnlog.open("memory:") as other:
        session = await told(log)
        await taken_in(other, await exported(log, session.id))
        assert await exported(log, session.id, format="otel") == await exported(other, session.id, format="otel")


async def test_a_forks_first_turn_links_to_where_it_went_on_from() -> None:
    async with Turnlog.open("memory:") as log:
        parent = await told(log)
        child = await log.open_session((await log.fork(parent.id)).id, model=ScriptedModel(["Well."] * 5), tools=[send])
        await child.append_turn("And?")
        await child.append_turn("And?")
        last = spans_of(await document(log, parent.id, "otel"))[-1]
        first, *others = spans_of(await document(log, child.id, "otel"))
    (link,) = first["links"]
    assert link["traceId"] == last["traceId"]
    assert (link["traceId"], link["spanId"]) == (last["traceId"], last["parentSpanId"])
    assert all("links" not in span for span in others)


async def test_a_tool_that_failed_and_a_call_that_was_denied_say_so() -> None:
    calls = (ScriptedCall(name="fail", arguments={}), ScriptedCall(name="nobody", arguments={}))
    model = ScriptedModel([ScriptedReply(calls=calls), "Well."])
    async with Turnlog.open("memory:") as log:
        session = await log.create_session("Fails", model=model, tools=[fail])
        await session.append_turn("Try.")
        root, _, failed, _ = spans_of(await document(log, session.id, "otel"))
    assert failed["status"] == {"code": 2, "message": "the tool failed"}
    assert failed["about"]["error.type"] == "tool_error"
    assert [event["name"] for event in root["events"]] == ["turnlog.tool_call.denied"]


def at(second: int) -> Stamp:
    return {"at": datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC), "actor": Actor(kind="worker", id="w")}


def started(attempt: int, second: int, reused: str | None = None) -> ToolCallStarted:
    return ToolCallStarted(
        **at(second),
        turn_id="t",
        call_id="c",
        tool="look",
        attempt=attempt,
        epoch=attempt,
        effect="pure",
        input_digest="d",
        idempotency_key="k",
        reused=reused,
    )


def spans_of_call(*starts: ToolCallStarted) -> list[dict[str, Any]]:
    """The spans of a turn in which a call was started so."""
    story = [
        TurnStarted(**at(0), turn_id="t", content=(TextBlock(text="Look."),)),
        *starts,
        ToolCallFinished(**at(30), turn_id="t", call_id="c", content=()),
    ]
    history = [Recorded("s", version, event) for version, event in enumerate(story, start=1)]
    return spans_of(exports.otel.traces(history, "s"))


def test_an_attempt_that_another_followed_ended_unknown() -> None:
    _, lost, second = spans_of_call(started(1, 10), started(2, 20))
    assert lost["about"]["error.type"] == "outcome_unknown"
    assert lost["endTimeUnixNano"] == second["startTimeUnixNano"]
    assert second["status"] == {"code": 1}


def test_a_call_whose_result_was_reused_names_it_and_one_that_ran_names_none() -> None:
    _, reused = spans_of_call(started(1, 10, reused="019b@42"))
    _, ran = spans_of_call(started(1, 10))
    assert reused["about"]["turnlog.tool.reused"] == "019b@42"
    assert "turnlog.tool.reused" not in ran["about"]


@given(stories(60))
@settings(max_examples=60, suppress_health_check=SLOW)
def test_spans_of_any_story_are_distinct_and_begin_in_their_turn(story: Story) -> None:
    session = story.history[-1].stream
    spans = spans_of(exports.otel.traces(story.history, session))
    roots = {span["spanId"]: span for span in spans if "parentSpanId" not in span}
    assert len({(span["traceId"], span["spanId"]) for span in spans}) == len(spans)
    for span in spans:
        root = roots[span.get("parentSpanId", span["spanId"])]
        assert span["traceId"] == root["traceId"]
        assert int(root["startTimeUnixNano"]) <= int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert (len(span["traceId"]), len(span["spanId"])) == (32, 16)


# Markdown


async def test_a_transcript_tells_who_said_what() -> None:
    async with Turnlog.open("memory:") as log:
        session = await told(log)
        text = (await exported(log, session.id, format="markdown")).decode()
    parts = ["# Grüße \\| \\*all\\*", "| turns | 2 |", "## User", "> Send it to Ada.", "*Thinking:*", "> Who?"]
    parts += [
        "> Sending.",
        "### send: finished",
        '{"to": "Ada"}',
        "sent to Ada 🦜",
        "*The turn is complete.*",
        "> A long",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "\x9b" not in text


TEXTS = st.text(alphabet=st.sampled_from("ab 1.#>*_`~<>[]()!|\\&;-+=:\n\t\r\x1b\u202e'\"h/"), max_size=80)


def shown(markdown: str) -> tuple[str, set[str]]:
    """What a reader of a rendered document sees, and which elements it is made of."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
    words: list[str] = []
    kinds: set[str] = set()
    for token in parser.parse(markdown):
        for inner in token.children or [token]:
            kinds.add(inner.type)
            breaks = inner.type in ("softbreak", "hardbreak", "paragraph_close")
            words.append("\n" if breaks else inner.content)
    return "".join(words), kinds


@given(TEXTS)
@settings(max_examples=400)
def test_prose_reads_as_it_was_written_and_makes_nothing_else(text: str) -> None:
    read, kinds = shown(exports.markdown.prose(text))
    expected = exports.markdown.visible_text(text)
    assert read.split() == expected.split()
    allowed = {"blockquote_open", "blockquote_close", "paragraph_open", "paragraph_close", "inline", "text", "fence"}
    assert kinds <= {*allowed, "hardbreak", "softbreak", "text_special"}


@given(TEXTS)
@settings(max_examples=200)
def test_a_fence_holds_all_of_a_text(text: str) -> None:
    (fence,) = MarkdownIt("commonmark").parse(exports.markdown.fenced(text))
    assert fence.type == "fence"
    assert fence.content.rstrip("\n") == exports.markdown.visible_text(text).rstrip("\n")


@given(TEXTS.filter(str.strip))
@settings(max_examples=200)
def test_a_heading_stays_a_heading(text: str) -> None:
    read, kinds = shown(f"# {exports.markdown.inline(text)}")
    assert read.split() == exports.markdown.visible_text(text).split()
    assert kinds <= {"heading_open", "heading_close", "inline", "text", "text_special"}


@given(stories(40))
@settings(max_examples=30, suppress_health_check=SLOW)
def test_any_story_has_a_transcript(story: Story) -> None:
    async def check(records: list[Recorded]) -> None:
        from turnlog.projections import METADATA, USAGE

        metadata = project(METADATA, records)
        assert metadata is not None
        items = project(TRANSCRIPT, records).items
        text = exports.markdown.document(metadata, items, project(USAGE, records), str)
        assert text.endswith("\n")
        assert text.count("\n## User") == sum(
            item.kind == "user_said" and item.as_input not in {"repair", "notice", "message"} for item in items
        )

    asyncio.run(check(story.history))
