"""A vendor's model that says what a test wants it to say."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from pydantic_ai import models as vendor
from pydantic_ai.messages import ModelMessage, ModelResponse, ModelResponseStreamEvent
from pydantic_ai.providers import Provider
from pydantic_ai.settings import ModelSettings


class Somewhere(Provider[None]):
    """A provider that is not a test model's, so its answers must have an end."""

    @property
    def name(self) -> str:
        return "openai"

    @property
    def base_url(self) -> str:
        return "http://127.0.0.1"

    @property
    def client(self) -> None:
        return None


class Canned(vendor.Model):
    """A vendor's model that gives one response, as one event a part or as given events."""

    def __init__(self, response: ModelResponse, events: list[ModelResponseStreamEvent] | None = None) -> None:
        super().__init__()
        self._response = response
        self._events = events
        self._somewhere = Somewhere()
        self.asked: list[ModelMessage] = []

    @property
    def model_name(self) -> str:
        return "x"

    @property
    def system(self) -> str:
        return "openai"

    @property
    def provider(self) -> Provider[None]:
        return self._somewhere

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: vendor.ModelRequestParameters,
    ) -> ModelResponse:
        raise AssertionError("answers are streamed")

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: vendor.ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncGenerator[vendor.StreamedResponse, None]:
        self.asked = messages
        yield vendor.CompletedStreamedResponse(
            self._response,
            model_request_parameters=model_request_parameters,
            replay_events=True if self._events is None else self._events,
        )
