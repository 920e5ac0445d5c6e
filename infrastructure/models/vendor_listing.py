"""A provider's list of models, through its own SDK. Imported with the first list only."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field
from pydantic_ai.providers import Provider

from turnlog.domain import ModelError

from .listing import ELSEWHERE, ModelInfo, words
from .names import extra_of
from .vendor_models import make_provider

LMSTUDIO_PATH = "/api/v0/models"
"""LM Studio's own list, which tells more than the one it has in common with OpenAI."""


class Architecture(BaseModel):
    """What OpenRouter says of a model's insides."""

    output_modalities: list[str] | None = None


class TopProvider(BaseModel):
    """What OpenRouter says of whoever serves a model best."""

    max_completion_tokens: int | None = None


class Listed(BaseModel):
    """A model as any of them lists it: what one calls `context_length` another calls `max_model_len`."""

    id: str
    created: float | None = None
    created_at: datetime | None = None
    name: str | None = None
    display_name: str | None = None
    context_length: int | None = None
    context_window: int | None = None
    max_context_length: int | None = None
    max_input_tokens: int | None = None
    max_model_len: int | None = None
    max_tokens: int | None = None
    top_provider: TopProvider | None = None
    architecture: Architecture | None = None
    supported_parameters: list[str] | None = None
    type: str | None = None
    lifecycle: str | None = None

    def told(self, provider: str) -> ModelInfo:
        """What the provider tells of the model."""
        windows = (self.context_length, self.context_window, self.max_context_length, self.max_input_tokens)
        return ModelInfo(
            name=f"{provider}:{self.id}",
            created=self._created(),
            display_name=self.display_name or self.name,
            context_window=next((window for window in (*windows, self.max_model_len) if window), None),
            max_tokens=self.max_tokens or (self.top_provider.max_completion_tokens if self.top_provider else None),
            chat=self._chats(),
        )

    def _created(self) -> datetime | None:
        """An epoch of zero is how some say that they do not know."""
        created = datetime.fromtimestamp(self.created, UTC) if self.created else self.created_at
        return created if created is not None and created.timestamp() > 0 else None

    def _chats(self) -> bool:
        if self.lifecycle == "retired" or self.type == "embeddings":
            return False
        spoken = self.architecture.output_modalities if self.architecture else None
        if spoken is not None:
            return "text" in spoken and (self.supported_parameters is None or "tools" in self.supported_parameters)
        return sounds_like_chat(self.id)


class Page(BaseModel):
    """What an endpoint for models answers with."""

    data: list[Listed] = Field(default_factory=list[Listed])


async def fetch(name: str) -> list[ModelInfo]:
    """The models a provider lists, in its order. Raises ModelError, and whatever its SDK raises."""
    provider = make_provider(name)
    async with provider:
        match extra_of(name):
            case "anthropic":
                return await _of_anthropic(name, provider)
            case "google":
                return await _of_google(name, provider)
            case "openai":
                return await _of_openai(name, provider)
            case _:
                raise ModelError("rejected", f"turnlog cannot list the models of {name}; name one as {name}:model")


def sounds_like_chat(model: str) -> bool:
    """Whether nothing in a model's name says that it does something else."""
    return not words(model) & ELSEWHERE


async def _of_anthropic(name: str, provider: Provider[Any]) -> list[ModelInfo]:
    from anthropic import AsyncAnthropic

    client = provider.client
    if not isinstance(client, AsyncAnthropic):
        raise TypeError(f"the client of {name} is a {type(client).__name__}")
    client = client.with_options(max_retries=0)
    answer = await client.get("/v1/models", cast_to=object, options={"params": {"limit": 1000}})
    return [listed.told(name) for listed in Page.model_validate(answer).data]


async def _of_openai(name: str, provider: Provider[Any]) -> list[ModelInfo]:
    from openai import AsyncOpenAI, NotFoundError

    client = provider.client
    if not isinstance(client, AsyncOpenAI):
        raise TypeError(f"the client of {name} is a {type(client).__name__}")
    client = client.with_options(max_retries=0)
    path = str(client.base_url.join(LMSTUDIO_PATH)) if name == "lmstudio" else "/models"
    try:
        answer = await client.get(path, cast_to=object)
    except NotFoundError:
        if path == "/models":
            raise
        answer = await client.get("/models", cast_to=object)
    return [listed.told(name) for listed in Page.model_validate(answer).data]


async def _of_google(name: str, provider: Provider[Any]) -> list[ModelInfo]:
    from google.genai import Client

    client = provider.client
    if not isinstance(client, Client):
        raise TypeError(f"the client of {name} is a {type(client).__name__}")
    listed: list[ModelInfo] = []
    async for model in await client.aio.models.list(config={"page_size": 1000}):
        model_id = (model.name or "").rpartition("/")[2]
        actions = model.supported_actions
        listed.append(
            ModelInfo(
                name=f"{name}:{model_id}",
                display_name=model.display_name,
                context_window=model.input_token_limit,
                max_tokens=model.output_token_limit,
                chat=sounds_like_chat(model_id) and (not actions or "generateContent" in actions),
            )
        )
    return listed
