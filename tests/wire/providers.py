"""Providers that speak a format of their own, and how a user points their SDKs at them."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import pytest

from turnlog.domain import ModelDelta, ModelError

from .asking import LOOK, asking, failing
from .server import Answer, WireServer, serving


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's model by its name, a key that opens nothing, and the variables that its SDK looks into."""

    model: str
    key: str
    base_url_in: str
    key_in: str

    def __str__(self) -> str:
        return self.model.partition(":")[0]

    @contextmanager
    def at(self, url: str) -> Generator[None]:
        """The SDK pointed at an address."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(self.base_url_in, url)
            patch.setenv(self.key_in, self.key)
            patch.setenv("NO_PROXY", "127.0.0.1")
            yield

    @asynccontextmanager
    async def answering(self, *answers: Answer) -> AsyncGenerator[WireServer]:
        """The provider, with these answers, where its SDK looks for it."""
        async with serving(*answers) as server:
            with self.at(server.url):
                yield server

    async def failure(self, answer: Answer) -> tuple[ModelError, list[ModelDelta]]:
        """What a request with this answer fails with, after one attempt, and what was shown before."""
        async with self.answering(answer) as server:
            got = await failing(asking(self.model, tools=[LOOK]))
        assert len(server.asked) == 1
        assert self.key not in str(got[0])
        return got
