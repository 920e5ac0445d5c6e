"""Those who speak OpenAI's wire formats, and how a user points turnlog at them."""

from dataclasses import dataclass

import pytest

from .server import WireServer

KEY = "sk-test-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Service:
    """A provider's model by its name, the variables that say where it is, and what differs in its format.

    `limit` is the field for the most tokens to write, `thinking` the field of a chunk that holds the model's thinking.
    """

    model: str
    base_url: str
    key: str | None = None
    path: str = "/v1"
    limit: str = "max_tokens"
    thinking: str = "reasoning_content"

    def __str__(self) -> str:
        return self.model.partition(":")[0]

    def point_at(self, server: WireServer, monkeypatch: pytest.MonkeyPatch) -> None:
        """Set what a user sets; a proxy that is set on this desk is gone round."""
        monkeypatch.setenv("NO_PROXY", "*")
        monkeypatch.setenv(self.base_url, server.url + self.path)
        if self.key is not None:
            monkeypatch.setenv(self.key, KEY)


RESPONSES = Service("openai:gpt-5-mini", "OPENAI_BASE_URL", "OPENAI_API_KEY")
OPENAI_CHAT = Service("openai-chat:gpt-4.1-mini", "OPENAI_BASE_URL", "OPENAI_API_KEY", limit="max_completion_tokens")
OPENROUTER = Service(
    "openrouter:deepseek/deepseek-chat-v3.1",
    "OPENROUTER_BASE_URL",
    "OPENROUTER_API_KEY",
    path="/api/v1",
    thinking="reasoning",
)
OLLAMA = Service("ollama:qwen3:8b", "OLLAMA_BASE_URL", thinking="reasoning")
LMSTUDIO = Service("lmstudio:qwen/qwen3-4b", "LMSTUDIO_BASE_URL")
COMPATIBLE = Service("compatible:some-model", "TURNLOG_COMPATIBLE_BASE_URL", "TURNLOG_COMPATIBLE_API_KEY")

CHAT = (OPENAI_CHAT, OPENROUTER, OLLAMA, LMSTUDIO, COMPATIBLE)
LOCAL = (OLLAMA, LMSTUDIO, COMPATIBLE)
ALL = (RESPONSES, *CHAT)

every_service = pytest.mark.parametrize("service", ALL, ids=str)
every_chat = pytest.mark.parametrize("service", CHAT, ids=str)
every_local = pytest.mark.parametrize("service", LOCAL, ids=str)
