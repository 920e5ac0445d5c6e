"""Connections that are refused, break, hang, or are left: what is recorded of them, and that nothing stays open."""

import asyncio
from contextlib import aclosing

import pytest

from turnlog.domain import ModelDelta, ModelError, ModelSettings
from turnlog.infrastructure import models

from . import openai_chat_wire as chat
from . import openai_responses_wire as responses
from .asking import asking, failing, load
from .openai_failing import beginning
from .openai_services import KEY, OPENAI_CHAT, OPENROUTER, RESPONSES, Service, every_service
from .server import CUT, HANG, UNANSWERED, Answer, Piece, events, serving, unused_url

SOON = ModelSettings(timeout=0.2)
PATIENCE = 10
"""Seconds after which a test gives up on what has to happen by itself."""


def half_a_call(service: Service) -> list[Piece]:
    """An answer as far as the first arguments of a call; what has come of them happens to be JSON."""
    if service is RESPONSES:
        return responses.numbered([*responses.begun(), *responses.call("stop", "{}")[:2]])
    return [*events(*chat.calling(chat.call(0, "stop", "{}")))]


async def hear(
    service: Service, monkeypatch: pytest.MonkeyPatch, given: Answer, settings: ModelSettings | None = None
) -> tuple[ModelError, list[ModelDelta]]:
    """How one request fails; asked once, and never again by itself."""
    async with serving(given) as server:
        service.point_at(server, monkeypatch)
        error, deltas = await failing(asking(service.model, settings=settings))
        assert len(server.asked) == 1
        if HANG in given.pieces:
            await asyncio.wait_for(server.left.wait(), PATIENCE)
    return error, deltas


@every_service
async def test_nobody_there_is_a_request_that_never_left(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(chat.whole("nobody asks")) as server:
        service.point_at(server, monkeypatch)
        monkeypatch.setenv(service.base_url, unused_url() + service.path)
        error, _ = await failing(asking(service.model))
    assert server.asked == []
    assert (error.failure, error.retryable, error.phase) == ("connection", True, "connect")


@pytest.mark.parametrize("service", [RESPONSES, OPENAI_CHAT, OPENROUTER], ids=str)
async def test_without_an_address_the_sdk_would_leave_this_machine_and_may_not(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suite refuses the network: so this is also what no test here does."""
    assert service.key is not None
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv(service.key, KEY)
    monkeypatch.delenv(service.base_url, raising=False)
    error: BaseException | None
    error, _ = await failing(asking(service.model))
    while error is not None and type(error).__name__ != "NetworkForbiddenError":
        error = error.__cause__ or error.__context__
    assert error is not None


@every_service
@pytest.mark.parametrize("status", [UNANSWERED, 200], ids=["before the head", "before the first byte"])
async def test_a_cut_before_the_first_byte_may_have_been_acted_on(
    service: Service, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    error, deltas = await hear(service, monkeypatch, Answer([CUT], status))
    assert (error.failure, error.retryable, error.phase, deltas) == ("connection", True, "read", [])


@every_service
async def test_a_cut_in_the_text_is_no_shorter_text(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    error, deltas = await hear(service, monkeypatch, Answer([*beginning(service), CUT]))
    assert (error.failure, error.retryable, error.phase) == ("connection", True, "read")
    assert [delta.text for delta in deltas] == ["Half"]


@every_service
@pytest.mark.parametrize("end", [[CUT], []], ids=["cut", "ended politely"])
async def test_a_cut_in_arguments_is_no_call(
    service: Service, monkeypatch: pytest.MonkeyPatch, end: list[Piece]
) -> None:
    """However it ends, and though the arguments so far would do: nobody said that they were all."""
    error, _ = await hear(service, monkeypatch, Answer([*half_a_call(service), *end]))
    assert (error.failure, error.retryable, error.phase) == ("connection", True, "read")


@every_service
async def test_a_text_that_ends_politely_without_a_word_why_is_no_answer(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, _ = await hear(service, monkeypatch, Answer(beginning(service)))
    assert (error.failure, error.retryable, error.phase) == ("connection", True, "read")


@every_service
@pytest.mark.parametrize("status", [UNANSWERED, 200], ids=["before the head", "before the first byte"])
async def test_silence_from_the_start_is_a_timeout(
    service: Service, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    error, _ = await hear(service, monkeypatch, Answer([HANG], status), SOON)
    assert (error.failure, error.retryable, error.phase) == ("timeout", True, "read")


@every_service
async def test_silence_in_the_middle_is_a_timeout(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    error, deltas = await hear(service, monkeypatch, Answer([*beginning(service), HANG]), SOON)
    assert (error.failure, error.retryable, error.phase) == ("timeout", True, "read")
    assert [delta.text for delta in deltas] == ["Half"]


@every_service
async def test_cancelling_the_reader_closes_the_connection(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in models.resolve_model(service.model, load).respond(asking(service.model)):
            begun.set()

    async with serving(Answer([*beginning(service), HANG])) as server:
        service.point_at(server, monkeypatch)
        reading = asyncio.create_task(read())
        await asyncio.wait_for(begun.wait(), PATIENCE)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await asyncio.wait_for(server.left.wait(), PATIENCE)


@every_service
async def test_cancelling_before_the_first_byte_closes_the_connection(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(Answer([HANG], UNANSWERED)) as server:
        service.point_at(server, monkeypatch)
        answers = models.resolve_model(service.model, load).respond(asking(service.model))
        reading = asyncio.ensure_future(anext(answers))
        await asyncio.wait_for(server.reached.wait(), PATIENCE)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await asyncio.wait_for(server.left.wait(), PATIENCE)


@every_service
async def test_a_reader_that_has_heard_enough_closes_the_connection(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(Answer([*beginning(service), HANG])) as server:
        service.point_at(server, monkeypatch)
        async with aclosing(models.resolve_model(service.model, load).respond(asking(service.model))) as items:
            assert isinstance(await anext(items), ModelDelta)
        await asyncio.wait_for(server.left.wait(), PATIENCE)
