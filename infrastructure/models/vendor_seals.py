"""What a provider wants back with what its model said, in the one opaque signature an event has room for.

Providers attach proofs to every kind of part: Anthropic signs thinking; OpenAI's Responses number and encrypt their
reasoning, and number texts and calls; Google signs whatever follows a thought; Chat services name the field that
thinking came in. All of it goes back verbatim, to the model that made it only.
"""

from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_ai.messages import FilePart, TextPart, ThinkingPart, ToolCallPart
from pydantic_core import to_json

MARK = "seal/1 "
"""Begins a signature that holds more than the provider's own; no provider's has a space in it."""

Sealable = TextPart | ThinkingPart | ToolCallPart | FilePart
AnyPart = TypeVar("AnyPart", TextPart, ToolCallPart, FilePart)


class Seal(BaseModel):
    """The parts of what a model said that are for its provider only."""

    id: str | None = None
    signature: str | None = None
    details: dict[str, JsonValue] | None = None


def sealed(part: Sealable) -> str | None:
    """The signature to keep, if there is anything: bare when it is nothing but a signature."""
    signature = part.signature if isinstance(part, ThinkingPart) else None
    if part.id is None and not part.provider_details:
        return signature
    seal = {"id": part.id, "signature": signature, "details": part.provider_details or None}
    kept = {name: value for name, value in seal.items() if value is not None}
    return MARK + to_json(kept, fallback=str, bytes_mode="base64").decode()


def unsealed(part: AnyPart, signature: str | None, provider: str) -> AnyPart:
    """The text, call or file as the provider gave it."""
    if signature is None:
        return part
    seal = _read(signature)
    details = dict(seal.details) if seal.details else None
    return replace(part, id=seal.id, provider_name=provider, provider_details=details)


def unsealed_thinking(text: str, signature: str | None, provider: str) -> ThinkingPart:
    """The thinking as the provider gave it."""
    seal = _read(signature)
    return ThinkingPart(
        text,
        id=seal.id,
        signature=seal.signature,
        provider_name=provider,
        provider_details=dict(seal.details) if seal.details else None,
    )


def _read(signature: str | None) -> Seal:
    if signature is None or not signature.startswith(MARK):
        return Seal(signature=signature)
    try:
        return Seal.model_validate_json(signature.removeprefix(MARK))
    except ValidationError:
        return Seal(signature=signature)
