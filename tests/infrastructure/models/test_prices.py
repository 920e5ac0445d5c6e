"""An answer costs what the price list says or the provider charged, and nothing is claimed of what nobody knows."""

from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.usage import RequestUsage

from turnlog.domain import Cost, Message, ModelReply, ModelRequest, NotFound, TextBlock, Usage
from turnlog.infrastructure import models

from .canned import Canned

NAME = "openai:x"
ASKED = ModelRequest(
    model=NAME, system=None, messages=(Message(role="user", blocks=(TextBlock(text="hi"),)),), tools=()
)
LIST = f"genai-prices {genai_prices.__version__}"
ANTHROPIC = "https://api.anthropic.com"


def answer(
    model: str = "claude-sonnet-4-5",
    provider: str = "anthropic",
    url: str | None = ANTHROPIC,
    usage: RequestUsage | None = None,
    details: dict[str, Any] | None = None,
) -> ModelResponse:
    return ModelResponse(
        [TextPart("x")],
        usage=usage or RequestUsage(input_tokens=1_000_000, output_tokens=100_000),
        model_name=model,
        provider_name=provider,
        provider_url=url,
        provider_details={"finish_reason": "stop", **(details or {})},
    )


async def load(sha256: str) -> bytes:
    raise NotFound(sha256)


async def price_of(response: ModelResponse) -> Cost | None:
    """The cost of the reply that a response becomes."""
    items = [item async for item in models.ProviderModel(NAME, load, model=Canned(response)).respond(ASKED)]
    reply = items[-1]
    assert isinstance(reply, ModelReply)
    return reply.cost


async def amount(response: ModelResponse) -> Decimal:
    cost = await price_of(response)
    assert cost is not None
    return cost.amount


async def test_a_known_model_costs_what_the_list_says() -> None:
    usage = RequestUsage(input_tokens=100_000, output_tokens=10_000)
    assert await price_of(answer(usage=usage)) == Cost(amount=Decimal("0.45"), source=LIST)


async def test_a_relay_with_a_public_address_costs_what_the_provider_does() -> None:
    usage = RequestUsage(input_tokens=100_000, output_tokens=10_000)
    assert await amount(answer(url="https://relay.example/v1", usage=usage)) == Decimal("0.45")


async def test_tokens_read_from_the_cache_cost_a_tenth() -> None:
    cached = RequestUsage(input_tokens=100_000, cache_read_tokens=90_000)
    assert await amount(answer(usage=cached)) == Decimal("0.03") + Decimal("0.027")


async def test_tokens_written_to_the_cache_cost_more() -> None:
    written = RequestUsage(input_tokens=100_000, cache_write_tokens=100_000)
    assert await amount(answer(usage=written)) == Decimal("0.375")


@pytest.mark.parametrize(
    "response",
    [
        answer("claude-of-tomorrow-99"),
        answer("llama3.2", "ollama", "http://localhost:11434/v1"),
        answer("gpt-5", "openai", "http://127.0.0.1:8000/v1"),
        answer("gpt-5", "openai", "http://localhost/v1"),
        answer("gpt-5", "openai", "http://[::1]:80/v1"),
        answer("gpt-5", "openai", "http://192.168.1.5:11434"),
        answer("gpt-5", "openai", "http://box.local/v1"),
        answer("gpt-5", "compatible", "https://gateway.example/v1"),
        answer("", "", None),
        answer(usage=RequestUsage(input_tokens=1, cache_read_tokens=50)),
    ],
    ids=[
        "model",
        "ollama",
        "loopback",
        "localhost",
        "IPv6",
        "private",
        "named",
        "endpoint",
        "nothing",
        "impossible counts",
    ],
)
async def test_what_nobody_knows_has_no_price(response: ModelResponse) -> None:
    assert await price_of(response) is None


@pytest.mark.parametrize(
    ("details", "charged"),
    [
        ({"cost": 0.0123}, "0.0123"),
        ({"cost": 0.001, "is_byok": False, "upstream_inference_cost": 5}, "0.001"),
        ({"cost": 0.001, "is_byok": True, "upstream_inference_cost": 0.5}, "0.501"),
        ({"is_byok": True, "upstream_inference_cost": 0.5}, "0.5"),
    ],
)
async def test_what_openrouter_charged_goes_before_any_list(details: dict[str, Any], charged: str) -> None:
    response = answer("deepseek/deepseek-chat-v3.1", "openrouter", "https://openrouter.ai/api/v1", details=details)
    assert await price_of(response) == Cost(amount=Decimal(charged), source="openrouter")


@pytest.mark.parametrize("cost", ["a lot", float("nan"), -1, None])
async def test_a_charge_that_is_no_amount_is_no_cost(cost: object) -> None:
    response = answer("nobody/knows", "openrouter", "https://openrouter.ai/api/v1", details={"cost": cost})
    assert await price_of(response) is None


MANY = Usage(input_tokens=1_000_000, output_tokens=100_000)


async def test_a_model_that_was_not_asked_yet_has_its_price_from_the_list() -> None:
    assert await models.price_for("anthropic:claude-sonnet-4-5", MANY) == await price_of(answer())
    assert await models.price_for("openai-chat:gpt-5", MANY) == await models.price_for("openai:gpt-5", MANY)
    cached = Usage(input_tokens=1_000_000, output_tokens=100_000, cached_tokens=900_000)
    whole, part = [await models.price_for("openai:gpt-5", usage) for usage in (MANY, cached)]
    assert whole is not None
    assert part is not None
    assert 0 < part.amount < whole.amount


@pytest.mark.parametrize("name", ["scripted:demo", "ollama:llama3", "openai:nobody-knows-it", "compatible:x", "x"])
async def test_no_price_is_claimed_of_a_model_that_the_list_does_not_have(name: str) -> None:
    assert await models.price_for(name, MANY) is None
