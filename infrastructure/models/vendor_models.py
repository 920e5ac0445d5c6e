"""pydantic-ai's providers and models by their names. Imported with the first request only."""

import os
import re
from typing import Any

from pydantic_ai import models as vendor
from pydantic_ai.exceptions import UserError
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers import Provider, infer_provider

from turnlog.domain import ModelError

from .names import endpoint_variable, extra_of, is_endpoint
from .vendor_errors import as_model_error, one_line
from .vendor_streams import watch

LMSTUDIO_URL = "http://localhost:1234/v1"
OLLAMA_URL = "http://localhost:11434/v1"
"""Where each listens when it was told nothing else."""

LOCAL = frozenset({"lmstudio", "ollama"})
OLDER_LIMIT = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
"""Ollama and LM Studio know only `max_tokens`, and ignore its successor without a word; all others know it too."""


def make_model(name: str) -> vendor.Model:
    """The vendor's model, ready to be asked. Raises ModelError."""
    provider, _, model = name.partition(":")
    try:
        if provider in LOCAL or is_endpoint(provider):
            from pydantic_ai.models.openai import OpenAIChatModel

            return OpenAIChatModel(model, provider=_provider(provider), profile=OLDER_LIMIT)
        return vendor.infer_model(name, _provider)
    except Exception as error:
        raise _as_model_error(name, error) from error


def make_provider(name: str) -> Provider[Any]:
    """The vendor's provider, with a client of its own. Raises ModelError."""
    try:
        return _provider(name)
    except Exception as error:
        raise _as_model_error(name, error) from error


def _provider(name: str) -> Provider[Any]:
    if name == "ollama":
        from pydantic_ai.providers.ollama import OllamaProvider

        return OllamaProvider(base_url=os.environ.get("OLLAMA_BASE_URL") or OLLAMA_URL)
    if name == "lmstudio":
        return _compatible(name, os.environ.get("LMSTUDIO_BASE_URL") or LMSTUDIO_URL, "LMSTUDIO_API_KEY")
    if is_endpoint(name):
        return _compatible(name, _endpoint_url(name), endpoint_variable(name, "API_KEY"))
    provider = infer_provider(name)
    watch(provider)
    url = os.environ.get("OPENROUTER_BASE_URL")
    if name == "openrouter" and url:
        provider.client.base_url = url  # the vendor library has no setting for it
    return provider


def _compatible(name: str, url: str, key_variable: str) -> Provider[Any]:
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    return OpenAICompatibleProvider(name, base_url=url, api_key=os.environ.get(key_variable))


def _endpoint_url(name: str) -> str:
    variable = endpoint_variable(name, "BASE_URL")
    url = os.environ.get(variable)
    if not url:
        raise ModelError("not_found", f"{name} needs {variable} set to the URL of an endpoint like OpenAI's")
    return url


def _as_model_error(name: str, error: Exception) -> ModelError:
    if isinstance(error, ModelError):
        return error
    if isinstance(error, ImportError):
        return ModelError("not_installed", _missing_sdk(name))
    if isinstance(error, UserError):
        return _not_configured(name, str(error))
    return as_model_error(name, error)


def _missing_sdk(name: str) -> str:
    provider = name.partition(":")[0]
    extra = extra_of(provider)
    package = f"turnlog[{extra}]" if extra else f"pydantic-ai-slim[{provider}]"
    return f"{name} needs its provider's SDK: install `{package}`"


def _not_configured(name: str, complaint: str) -> ModelError:
    """What to set: the vendor library's message names the variable first, and much else."""
    variable = re.search(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`", complaint)
    if variable is not None:
        return ModelError("authentication", f"{name} needs {variable.group(1)} set in the environment")
    return ModelError("rejected", f"{name} cannot be used: {one_line(complaint)}")
