"""Connections to Anthropic and Google that are refused, break, bring garbage, hang, or are left."""

import asyncio
from contextlib import aclosing

import pytest

from turnlog.domain import ModelSettings
from turnlog.infrastructure import models

from . import anthropic_wire, google_wire
from .anthropic_wire import ANTHROPIC
from .asking import asking, causes, failing, load
from .google_wire import GOOGLE
from .providers import Provider
from .server import CUT, HANG, UNANSWERED, Answer, Piece, unused_url

BEGUN: dict[Provider, list[bytes]] = {
    ANTHROPIC: anthropic_wire.sse(*anthropic_wire.BEGUN),
    GOOGLE: google_wire.sse(*google_wire.BEGUN),
}
"""An answer as far as its first words."""

IN_A_CALL = {
    ANTHROPIC: anthropic_wire.sse(
        anthropic_wire.start(),
        *anthropic_wire.block(0, anthropic_wire.tool_use("toolu_01A", "look", '{"at": "ho'))[:-1],
    ),
    GOOGLE: google_wire.sse(google_wire.chunk(google_wire.call("look", {"at": "a"}))),
}
"""An answer as far as a call: Gemini's come whole."""

DELTA = b"event: content_block_delta\ndata: "
HALF_A_CHUNK = b'data: {"candidates": [{"content"'

JSON = b'{"hello": "world"}'

every_provider = pytest.mark.parametrize("provider", [ANTHROPIC, GOOGLE], ids=str)


@every_provider
async def test_a_refused_connection_sent_nothing(provider: Provider) -> None:
    with provider.at(unused_url()):
        got, _ = await failing(asking(provider.model))
    assert (got.failure, got.retryable, got.phase) == ("connection", True, "connect")


@pytest.mark.parametrize(
    ("provider", "pieces", "shown"),
    [
        pytest.param(ANTHROPIC, [CUT], "", id="anthropic, a head"),
        pytest.param(ANTHROPIC, [*BEGUN[ANTHROPIC], CUT], "So far", id="anthropic, text"),
        pytest.param(ANTHROPIC, [*BEGUN[ANTHROPIC], DELTA + b"{", CUT], "So far", id="anthropic, half an event"),
        pytest.param(ANTHROPIC, [*IN_A_CALL[ANTHROPIC], CUT], '{"at": "ho', id="anthropic, a call"),
        pytest.param(ANTHROPIC, BEGUN[ANTHROPIC], "So far", id="anthropic, ended in text"),
        pytest.param(ANTHROPIC, IN_A_CALL[ANTHROPIC], '{"at": "ho', id="anthropic, ended in a call"),
        pytest.param(ANTHROPIC, anthropic_wire.sse(anthropic_wire.start()), "", id="anthropic, begun"),
        pytest.param(ANTHROPIC, [], "", id="anthropic, nothing"),
        pytest.param(GOOGLE, [CUT], "", id="google, a head"),
        pytest.param(GOOGLE, [*BEGUN[GOOGLE], CUT], "So far", id="google, text"),
        pytest.param(GOOGLE, [*BEGUN[GOOGLE], HALF_A_CHUNK, CUT], "So far", id="google, half an event"),
        pytest.param(GOOGLE, [*BEGUN[GOOGLE], HALF_A_CHUNK], "So far", id="google, ended in an event"),
        pytest.param(GOOGLE, BEGUN[GOOGLE], "So far", id="google, ended in text"),
        pytest.param(GOOGLE, IN_A_CALL[GOOGLE], '{"at": "a"}', id="google, ended in a call"),
        pytest.param(GOOGLE, [], "", id="google, nothing"),
    ],
)
async def test_an_answer_that_breaks_off_may_be_asked_for_again(
    provider: Provider, pieces: list[Piece], shown: str
) -> None:
    got, deltas = await provider.failure(Answer(pieces))
    assert (got.failure, got.retryable, got.phase) == ("connection", True, "read")
    assert "".join(delta.text for delta in deltas) == shown


@every_provider
async def test_a_connection_that_breaks_before_the_head_may_have_been_acted_on(provider: Provider) -> None:
    got, deltas = await provider.failure(Answer([CUT], UNANSWERED))
    assert (got.failure, got.retryable, got.phase, deltas) == ("connection", True, "read", [])


@pytest.mark.parametrize(
    ("provider", "garbage"),
    [(ANTHROPIC, b"event: message_start\ndata: {oh no}\n\n"), (GOOGLE, b"data: {oh no}\r\n\r\n")],
    ids=str,
)
async def test_what_cannot_be_read_at_all_is_malformed(provider: Provider, garbage: bytes) -> None:
    got, _ = await provider.failure(Answer([garbage]))
    assert (got.failure, got.retryable) == ("malformed", False)


@pytest.mark.parametrize(
    ("provider", "garbage"),
    [
        (ANTHROPIC, DELTA + b"{oh no}\n\n"),
        (ANTHROPIC, DELTA + b"\xff\xfe\n\n"),
        (ANTHROPIC, DELTA + b"[1, 2\n\n"),
        (GOOGLE, b"data: {oh no}\r\n\r\n"),
    ],
    ids=str,
)
async def test_an_answer_that_turns_to_garbage_broke_off(provider: Provider, garbage: bytes) -> None:
    got, shown = await provider.failure(Answer([*BEGUN[provider], garbage]))
    assert (got.failure, got.retryable, got.phase) == ("connection", True, "read")
    assert [delta.text for delta in shown] == ["So ", "far"]


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        pytest.param(ANTHROPIC, Answer([anthropic_wire.HTML], content_type="text/html"), id="anthropic, HTML"),
        pytest.param(ANTHROPIC, Answer([JSON], content_type="application/json"), id="anthropic, JSON"),
        pytest.param(GOOGLE, Answer([google_wire.HTML], content_type="text/html"), id="google, HTML"),
        pytest.param(GOOGLE, Answer([JSON], content_type="application/json"), id="google, JSON"),
    ],
)
async def test_a_page_that_is_no_stream_is_no_answer(provider: Provider, answer: Answer) -> None:
    got, _ = await provider.failure(answer)
    assert got.failure in ("malformed", "connection")


async def hang(provider: Provider, answer: Answer) -> None:
    """Ask for an answer that hangs, and see that it is left in time."""
    async with provider.answering(answer) as server:
        got, _ = await failing(asking(provider.model, settings=ModelSettings(timeout=0.2)))
        await server.until_left()
    assert (got.failure, got.retryable, got.phase) == ("timeout", True, "read")
    assert len(server.asked) == 1


@every_provider
@pytest.mark.parametrize("status", [UNANSWERED, 200], ids=["no head", "only a head"])
async def test_an_answer_that_does_not_begin_is_left_in_time(provider: Provider, status: int) -> None:
    await hang(provider, Answer([HANG], status))


@every_provider
async def test_a_stream_that_hangs_is_left_in_time(provider: Provider) -> None:
    await hang(provider, Answer([*BEGUN[provider], HANG]))


@every_provider
async def test_a_cancelled_reader_closes_the_connection(provider: Provider) -> None:
    seen = asyncio.Event()

    async def read() -> None:
        async for _ in models.resolve_model(provider.model, load).respond(asking(provider.model)):
            seen.set()

    async with provider.answering(Answer([*BEGUN[provider], HANG])) as server:
        reading = asyncio.create_task(read())
        await seen.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await server.until_left()


@every_provider
async def test_closing_the_answer_closes_the_connection(provider: Provider) -> None:
    async with provider.answering(Answer([*BEGUN[provider], HANG])) as server:
        async with aclosing(models.resolve_model(provider.model, load).respond(asking(provider.model))) as items:
            await anext(items)
        await server.until_left()


@every_provider
async def test_without_an_address_the_sdk_would_leave_this_machine_and_may_not(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(provider.key_in, provider.key)
    monkeypatch.delenv(provider.base_url_in, raising=False)
    got, _ = await failing(asking(provider.model))
    assert "NetworkForbiddenError" in causes(got)
