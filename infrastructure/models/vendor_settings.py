"""Our settings as pydantic-ai's. Imported with the first request only."""

from collections.abc import Mapping

from pydantic import TypeAdapter
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings as VendorSettings
from pydantic_ai.settings import merge_model_settings

from turnlog.domain import ModelSettings

RESPONSES = frozenset({"azure-responses", "openai", "openai-responses"})
"""Providers of OpenAI's Responses, which would keep every answer for a month and look up there what we send back."""

THEIRS = {"stop": "stop_sequences"}
"""Our settings that pydantic-ai calls by another name."""

SAMPLING = frozenset({"temperature", "top_p"})
"""What Anthropic takes no more: since version 2026-10-21 its API answers either with 400, for every model."""

_names = TypeAdapter(frozenset[str])


def as_settings(name: str, model: Model, asked: ModelSettings) -> VendorSettings | None:
    """What the model `name` is told beside the messages; what it has no setting for is left out.

    - No retries in the SDK: each of ours is an event, and a hidden one is a hidden bill.
    - No words of the vendor library's own in the system prompt: what the model sees is what the log holds.
    - Nothing kept at OpenAI: a session goes on from the log, however long ago OpenAI forgot it.
    """
    provider = name.partition(":")[0]
    settings = _settings(_supported(provider, model, asked))
    settings["framing_announcement"] = "never"
    if "max_retries" not in model.unsupported_settings:
        settings["max_retries"] = 0
    if provider not in RESPONSES:
        return settings
    from pydantic_ai.models.openai import OpenAIResponsesModelSettings

    return merge_model_settings(settings, OpenAIResponsesModelSettings(openai_store=False))


def _settings(asked: ModelSettings) -> VendorSettings:
    settings = VendorSettings()
    if asked.max_tokens is not None:
        settings["max_tokens"] = asked.max_tokens
    if asked.temperature is not None:
        settings["temperature"] = asked.temperature
    if asked.top_p is not None:
        settings["top_p"] = asked.top_p
    if asked.stop:
        settings["stop_sequences"] = list(asked.stop)
    if asked.seed is not None:
        settings["seed"] = asked.seed
    if asked.thinking is not None:
        settings["thinking"] = False if asked.thinking == "off" else asked.thinking
    if asked.parallel_tool_calls is not None:
        settings["parallel_tool_calls"] = asked.parallel_tool_calls
    if asked.timeout is not None:
        settings["timeout"] = asked.timeout
    return settings


def _supported(provider: str, model: Model, asked: ModelSettings) -> ModelSettings:
    """What of the settings the model has; pydantic-ai would leave the rest out too, but warn about it."""
    profile: Mapping[str, object] = {**model.profile}
    listed = _names.validate_python(profile.get("openai_unsupported_model_settings") or ())
    missing = listed | model.unsupported_settings
    if provider == "anthropic" or not _samples(profile, asked):
        missing |= SAMPLING
    nothing = ModelSettings()
    left_out = [field for field in ModelSettings.model_fields if THEIRS.get(field, field) in missing]
    return asked.model_copy(update={field: getattr(nothing, field) for field in left_out})


def _samples(profile: Mapping[str, object], asked: ModelSettings) -> bool:
    """Whether the model takes sampling parameters: OpenAI's do not while they reason, some of Anthropic's never do."""
    if profile.get("anthropic_disallows_sampling_settings"):
        return False
    if not profile.get("openai_supports_reasoning"):
        return True
    efforts = profile.get("openai_reasoning_efforts")
    can_stop = (
        profile.get("openai_supports_reasoning_effort_none")
        if efforts is None
        else "none" in _names.validate_python(efforts)
    )
    if not can_stop:
        return False
    if asked.thinking is None:
        return not profile.get("thinking_enabled_by_default")
    return asked.thinking == "off" and not profile.get("thinking_always_enabled")
