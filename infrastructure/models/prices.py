"""What an answer cost: by the price list in `genai-prices`, or as the provider itself reports it.

The list is part of the installed package; nothing is fetched. Imported with the first answer only.
"""

import ipaddress
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

import genai_prices
from genai_prices.types import PriceCalculation
from pydantic_ai.messages import ModelResponse

from turnlog.domain import Cost, Usage

from .names import is_endpoint

LIST = f"genai-prices {genai_prices.__version__}"
FREE = frozenset({"lmstudio", "ollama", "vllm"})
"""Providers on one's own machines, which charge nothing that a list would know."""

LISTED = {"openai-chat": "openai", "openai-responses": "openai", "google-cloud": "google"}
"""Providers by the names that they have in the list, where that is another one."""

REPORTS = frozenset({"openrouter"})
"""Providers that say in an answer what they charged for it, in US dollars."""


def price_of(response: ModelResponse) -> Cost | None:
    """The cost, or None where nobody knows it: of unknown models, local ones, and answers without a count of tokens."""
    reported = _reported(response)
    if reported is not None:
        return reported
    if is_local(response.provider_url):
        return None
    return _by_list(response.cost)


def list_price(name: str, usage: Usage) -> Cost | None:
    """What an answer of so many tokens costs, by the list; None for models that it does not have, and local ones.

    `name` is `provider:model`.
    """
    provider, _, model = name.partition(":")
    if provider in FREE or is_endpoint(provider):
        return None
    counted = genai_prices.Usage(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cache_read_tokens=usage.cached_tokens
    )
    listed = LISTED.get(provider, provider)
    return _by_list(lambda: genai_prices.calc_price(counted, model, provider_id=listed))


def _by_list(price: Callable[[], PriceCalculation]) -> Cost | None:
    try:
        total = price().total_price
    except Exception:  # noqa: BLE001 - no gap in a price list may fail a turn, nor what is only an estimate
        return None
    return Cost(amount=total, source=LIST) if total.is_finite() and total >= 0 else None


def is_local(url: str | None) -> bool:
    """Whether a URL leads to this machine or to an address that is not public; a name is taken as public."""
    host = urlsplit(url or "").hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _reported(response: ModelResponse) -> Cost | None:
    """What the provider charged, and what the model's maker did where the account pays that one itself."""
    details = response.provider_details or {}
    upstream = details.get("upstream_inference_cost") if details.get("is_byok") else None
    charged = [price for price in (details.get("cost"), upstream) if price is not None]
    if response.provider_name not in REPORTS or not charged:
        return None
    try:
        amount = sum((Decimal(str(price)) for price in charged), Decimal())
    except InvalidOperation:
        return None
    return Cost(amount=amount, source=response.provider_name) if amount.is_finite() and amount >= 0 else None
