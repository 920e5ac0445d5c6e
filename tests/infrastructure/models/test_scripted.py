"""The scripted model says what its script says, whichever process asks."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import pytest

from turnlog.domain import (
    Cost,
    InvalidInput,
    Message,
    ModelDelta,
    ModelError,
    ModelReply,
    ModelRequest,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from turnlog.infrastructure import models


def request(answers: int = 0) -> ModelRequest:
    """A request in which the assistant has spoken that many times."""
    user = Message(role="user", blocks=(TextBlock(text="go on"),))
    assistant = Message(role="assistant", blocks=(TextBlock(text="yes"),))
    return ModelRequest(
        model="scripted:demo",
        system="be brief",
        messages=(*(user, assistant) * answers, user),
        tools=(),
    )


async def ask(model: models.ScriptedModel, answers: int = 0) -> tuple[list[ModelDelta], ModelReply]:
    """The deltas and the reply."""
    items = [item async for item in model.respond(request(answers))]
    deltas = [item for item in items if isinstance(item, ModelDelta)]
    reply = items[-1]
    assert isinstance(reply, ModelReply)
    assert len(deltas) == len(items) - 1
    return deltas, reply


async def load_nothing(sha256: str) -> bytes:
    raise AssertionError(f"nobody asked for {sha256}")


async def test_text_is_answered_as_text() -> None:
    deltas, reply = await ask(models.ScriptedModel(["Hello."]))
    assert deltas == [ModelDelta("text", "Hello.")]
    assert reply.blocks == (TextBlock(text="Hello."),)
    assert reply.stop_reason == "stop"


async def test_thinking_text_and_calls_come_in_that_order() -> None:
    script = models.ScriptedReply(
        thinking="First look.",
        signature="proof",
        text="Looking.",
        calls=(
            models.ScriptedCall(name="read_file", arguments={"path": "größe 🎈.py"}),
            models.ScriptedCall(name="shell", raw="{not JSON"),
            models.ScriptedCall(name="list_files", id="theirs"),
        ),
    )
    deltas, reply = await ask(models.ScriptedModel([script], name="scripted:mix"))
    assert reply.blocks == (
        ThinkingBlock(text="First look.", model="scripted:mix", signature="proof"),
        TextBlock(text="Looking."),
        ToolCallBlock(
            call_id="scripted_0_0",
            name="read_file",
            arguments='{"path": "größe 🎈.py"}',
            provider_id="scripted_0_0",
        ),
        ToolCallBlock(
            call_id="scripted_0_1",
            name="shell",
            arguments="{not JSON",
            provider_id="scripted_0_1",
        ),
        ToolCallBlock(call_id="theirs", name="list_files", arguments="{}", provider_id="theirs"),
    )
    assert [delta.kind for delta in deltas] == ["thinking", "text", *["tool_call"] * 3]
    assert reply.stop_reason == "tool_call"


def test_the_arguments_of_a_call_may_be_any_mapping_of_json() -> None:
    cities = MappingProxyType({"from": "London", "to": "Tokyo"})
    call = models.ScriptedCall(name="convert", arguments=cities)
    assert call.text == '{"from": "London", "to": "Tokyo"}'


async def test_nothing_at_all_is_an_answer() -> None:
    deltas, reply = await ask(models.ScriptedModel([models.ScriptedReply()]))
    assert deltas == []
    assert reply.blocks == ()


async def test_chunks_concatenate_to_the_text() -> None:
    deltas, reply = await ask(models.ScriptedModel([models.ScriptedReply(text="größer 🎈 als", chunk=3)]))
    assert [delta.text for delta in deltas] == ["grö", "ßer", " 🎈 ", "als"]
    assert reply.blocks == (TextBlock(text="größer 🎈 als"),)


async def test_the_reply_is_chosen_by_what_was_said_so_a_new_process_goes_on() -> None:
    script = ["one", "two", "three"]
    for index, text in enumerate(script):
        _, reply = await ask(models.ScriptedModel(script), answers=index)
        assert reply.blocks == (TextBlock(text=text),)


async def test_a_reply_may_fail_some_attempts_before_it_answers() -> None:
    busy = models.ScriptedFailure(failure="rate_limited", message="busy", retryable=True, phase="read", retry_after=1.5)
    model = models.ScriptedModel([models.ScriptedReply(text="at last", failures=(busy, models.ScriptedFailure()))])
    with pytest.raises(ModelError, match="busy") as first:
        await ask(model)
    assert (first.value.failure, first.value.retryable) == ("rate_limited", True)
    assert (first.value.phase, first.value.retry_after) == ("read", 1.5)
    with pytest.raises(ModelError, match="scripted failure") as second:
        await ask(model)
    assert second.value.failure == "unexpected"
    assert (await ask(model))[1].blocks == (TextBlock(text="at last"),)


async def test_a_failure_without_end_fails_every_attempt() -> None:
    model = models.ScriptedModel([models.ScriptedReply(failure=models.ScriptedFailure(failure="quota"))])
    for _ in range(3):
        with pytest.raises(ModelError):
            await ask(model)


async def test_a_stream_may_break_after_some_deltas() -> None:
    broken = models.ScriptedFailure(failure="connection", phase="read", after=2)
    model = models.ScriptedModel([models.ScriptedReply(text="abcdef", chunk=2, failures=(broken,))])
    seen: list[ModelDelta | ModelReply] = []

    async def read() -> None:
        async for item in model.respond(request()):
            seen.append(item)  # noqa: PERF401 - what came before the failure counts

    with pytest.raises(ModelError):
        await read()
    assert seen == [ModelDelta("text", "ab"), ModelDelta("text", "cd")]


async def test_a_reply_waits_until_its_file_exists(tmp_path: Path) -> None:
    gate = tmp_path / "go"
    model = models.ScriptedModel([models.ScriptedReply(text="now", wait_for=gate)])
    asking = asyncio.create_task(ask(model))
    done, _ = await asyncio.wait([asking], timeout=0.1)
    assert not done
    assert len(model.requests) == 1
    gate.touch()
    assert (await asking)[1].blocks == (TextBlock(text="now"),)


async def test_a_waiting_reply_can_be_cancelled(tmp_path: Path) -> None:
    model = models.ScriptedModel([models.ScriptedReply(text="never", wait_for=tmp_path / "go")])
    asking = asyncio.create_task(ask(model))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_the_end_of_the_script_is_one_clear_line() -> None:
    with pytest.raises(ModelError) as error:
        await ask(models.ScriptedModel(["only"]), answers=1)
    assert error.value.failure == "unexpected"
    assert error.value.message == ("the script of scripted:demo has 1 replies and is asked for number 2; add one")


async def test_requests_are_kept_for_the_test_to_look_at() -> None:
    model = models.ScriptedModel(["one"])
    await ask(model)
    assert model.requests == [request()]


async def test_usage_grows_with_the_request_and_the_answer() -> None:
    model = models.ScriptedModel(["x" * 40, models.ScriptedReply(thinking="y" * 400)])
    small, large = (await ask(model))[1].usage, (await ask(model, answers=1))[1].usage
    assert small.output_tokens == 10
    assert large.reasoning_tokens == large.output_tokens == 100
    assert 0 < small.input_tokens < large.input_tokens


async def test_a_script_file_says_the_same_as_the_objects(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    entries = [
        "Hello 🎈.",
        {"text": "Look.", "calls": [{"name": "shell", "arguments": {"argv": ["ls"]}}], "chunk": 2},
        {"failures": [{"failure": "overloaded", "retryable": True}], "wait_for": "go"},
    ]
    path.write_text(json.dumps({"replies": entries}), encoding="utf-8")
    (tmp_path / "go").touch()
    model = models.ScriptedModel.load(path)
    assert model.name == f"scripted:{path}"
    assert (await ask(model))[1].blocks == (TextBlock(text="Hello 🎈."),)
    assert (await ask(model, 1))[1].stop_reason == "tool_call"
    with pytest.raises(ModelError):
        await ask(model, 2)
    assert (await ask(model, 2))[1].blocks == ()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("[]", "should be an object"),
        ('{"replies": "x"}', "replies"),
        ('{"replies": [{"txt": "x"}]}', "replies.0.txt"),
        ('{"replies": [{"calls": [{}, {}]}]}', "replies.0.calls.0.name"),
        ('{"replies": [{"chunk": 0}]}', "replies.0.chunk"),
        ('{"replies": [{"failure": {"failure": "bad luck"}}]}', "replies.0.failure.failure"),
    ],
)
def test_a_script_that_is_none_is_one_line(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(content)
    with pytest.raises(InvalidInput) as error:
        models.ScriptedModel.load(path)
    assert str(path) in str(error.value)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_a_script_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"cannot read the script .*: No such file"):
        models.ScriptedModel.load(tmp_path / "missing.json")
    with pytest.raises(InvalidInput, match="cannot read the script"):
        models.ScriptedModel.load(tmp_path)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\x00\xfe")
    with pytest.raises(InvalidInput):
        models.ScriptedModel.load(binary)


def test_a_scripted_name_is_resolved_to_its_file(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text('{"replies": ["hi"]}')
    model = models.resolve_model(f"scripted:{path}", load_nothing)
    assert isinstance(model, models.ScriptedModel)
    assert model.name == f"scripted:{path}"
    with pytest.raises(InvalidInput, match="path of a script"):
        models.resolve_model("scripted:", load_nothing)


async def test_a_scripted_answer_costs_what_the_script_says(tmp_path: Path) -> None:
    script = tmp_path / "replies.json"
    script.write_text('{"replies": [{"text": "dear", "cost": "0.02"}, {"text": "free"}]}')
    model = models.ScriptedModel.load(script)
    costs = [(await ask(model, answers))[1].cost for answers in (0, 1)]
    assert costs == [Cost(amount=Decimal("0.02"), source="script"), None]


async def test_a_scripted_delta_tells_its_part_and_tool() -> None:
    reply = models.ScriptedReply(text="abc", calls=(models.ScriptedCall(name="look"),), chunk=2)
    deltas, _ = await ask(models.ScriptedModel([reply]))
    assert deltas == [
        ModelDelta("text", "ab", 0),
        ModelDelta("text", "c", 0),
        ModelDelta("tool_call", "{}", 1, "look"),
    ]
