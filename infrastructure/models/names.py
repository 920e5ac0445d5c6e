"""What a model can be called: `provider:model`. Nothing of any provider is imported for those known here."""

import os

from turnlog.domain import InvalidInput

EXTRAS = {
    "anthropic": "anthropic",
    "azure": "openai",
    "compatible": "openai",
    "deepseek": "openai",
    "fireworks": "openai",
    "google": "google",
    "google-cloud": "google",
    "litellm": "openai",
    "lmstudio": "openai",
    "ollama": "openai",
    "openai": "openai",
    "openai-chat": "openai",
    "openai-responses": "openai",
    "openrouter": "openai",
    "together": "openai",
    "vllm": "openai",
}
"""The providers turnlog speaks of, each with the extra of turnlog that brings its SDK."""


def endpoint_variable(provider: str, ending: str) -> str:
    """The variable that makes a name of one's own a provider, as in TURNLOG_MY_GATEWAY_BASE_URL for `my-gateway`."""
    return f"TURNLOG_{provider.upper().replace('-', '_')}_{ending}"


def is_endpoint(provider: str) -> bool:
    """Whether a name stands for an endpoint that speaks OpenAI's Chat Completions, by a variable that says where."""
    if provider == "compatible":
        return True
    return provider not in EXTRAS and bool(os.environ.get(endpoint_variable(provider, "BASE_URL")))


def check_name(name: str) -> None:
    """Refuse what can be no model. Raises InvalidInput."""
    provider, colon, model = name.partition(":")
    if not colon or not model.strip():
        raise InvalidInput(f"a model is named provider:model, not {name!r}; {_known()}")
    check_provider(provider)


def check_provider(provider: str) -> None:
    """Refuse what is no provider. Raises InvalidInput."""
    if provider in EXTRAS or is_endpoint(provider):
        return
    if not provider:
        raise InvalidInput(f"a model is named provider:model; {_known()}")
    from pydantic_ai.providers import infer_provider_class

    try:
        infer_provider_class(provider)
    except ImportError:
        return  # known, but its SDK is missing: the first request says so
    except Exception as error:
        raise InvalidInput(
            f"there is no provider {provider!r}; {_known()}, and any name whose "
            f"{endpoint_variable('NAME', 'BASE_URL')} is set"
        ) from error


def extra_of(provider: str) -> str | None:
    """The extra of turnlog that brings a provider's SDK, where one does."""
    return "openai" if is_endpoint(provider) else EXTRAS.get(provider)


def _known() -> str:
    return f"known are {', '.join(sorted(EXTRAS))}, and scripted:PATH"
