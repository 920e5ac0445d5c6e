"""Which models a provider has, and which one a bare provider's name stands for. Imports no provider library."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from turnlog.domain import ModelError, TurnlogError

from .names import check_name, check_provider


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model a provider lists; None is what the provider does not tell.

    `name` is the full `provider:model` name. `context_window` and `max_tokens` (of one answer) are in tokens. `chat`
    is whether it answers in text, and takes tools, as far as the listing or the name tells.
    """

    name: str
    created: datetime | None = None
    display_name: str | None = None
    context_window: int | None = None
    max_tokens: int | None = None
    chat: bool = True


ELSEWHERE = frozenset(
    {"aqa", "audio", "babbage", "bert", "dall", "davinci", "diarize", "embed", "embedding", "embeddings", "guard"}
    | {"image", "imagen", "images", "live", "lyria", "moderation", "ocr", "realtime", "rerank", "reranker", "robotics"}
    | {"sora", "speech", "transcribe", "tts", "veo", "whisper"}
)
"""Words in the names of models that do not chat: they embed, hear, speak, draw, judge."""

ASIDE = frozenset(
    {"alpha", "beta", "exp", "experimental", "latest", "preview"}
    | {"lite", "mini", "nano"}
    | {"codex", "ft", "research", "search", "turbo"}
)
"""Words in the names of models that a bare provider's name never means: unfinished or moving, small, for one use."""

ASIDE_AT = {"openai": frozenset({"chat", "pro"})}
"""More of them, by the first word of the provider: OpenAI's `pro` costs ten times the model it is named after."""

Fetch = Callable[[str], Awaitable[Sequence[ModelInfo]]]
NEVER = datetime.min.replace(tzinfo=UTC)


async def list_models(provider: str) -> tuple[ModelInfo, ...]:
    """The models a provider offers to this account, newest first. Raises InvalidInput, ModelError.

    Where the provider does not tell their age, they are in the order of the versions in Gemini's names, or as listed.
    """
    check_provider(provider)
    try:
        listed = await (await asyncio.to_thread(_fetcher))(provider)
    except TurnlogError:
        raise
    except Exception as error:
        from .vendor_errors import as_listing_error

        raise as_listing_error(provider, error) from error
    return tuple(sorted(listed, key=_age, reverse=True))


async def full_name(name: str) -> str:
    """The `provider:model` name to record: of a bare provider's name that of its newest model, otherwise as given.

    Raises InvalidInput, ModelError.
    """
    if ":" in name or not name:
        if not name.startswith("scripted:"):
            check_name(name)
        return name
    found = newest(await list_models(name))
    if found is None:
        raise ModelError("not_found", f"{name} lists no model that chats; name one as {name}:model")
    return found.name


def newest(models: Sequence[ModelInfo]) -> ModelInfo | None:
    """The first, of models newest first, that chats and is neither unfinished nor small; otherwise that chats."""
    chatting = [model for model in models if model.chat]
    return next((model for model in chatting if not _is_aside(model)), chatting[0] if chatting else None)


def words(name: str) -> frozenset[str]:
    """The words of a model's name, in lower case, without those that are numbers."""
    return frozenset(re.findall(r"[a-z]+", name.lower()))


def _is_aside(model: ModelInfo) -> bool:
    provider, _, name = model.name.partition(":")
    return bool(words(name) & (ASIDE | ASIDE_AT.get(provider.partition("-")[0], frozenset())))


def _age(model: ModelInfo) -> tuple[datetime, float]:
    version = re.search(r":gemini-(\d+(?:\.\d+)?)", model.name)
    return model.created or NEVER, float(version.group(1)) if version else 0.0


def _fetcher() -> Fetch:
    """What fetches a list; the first time it takes a second, for importing the vendor's library."""
    from .vendor_listing import fetch

    return fetch
