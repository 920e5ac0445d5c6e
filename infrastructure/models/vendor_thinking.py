"""What a provider wants back with its thinking, in the one opaque signature an event has room for."""

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_ai.messages import ThinkingPart
from pydantic_core import to_json

MARK = "seal/1 "
"""Begins a signature that holds more than the provider's own; no provider's has a space in it."""


class Seal(BaseModel):
    """The parts of a provider's thinking that are not text."""

    id: str | None = None
    signature: str | None = None
    details: dict[str, JsonValue] | None = None


def sealed(part: ThinkingPart) -> str | None:
    """The signature to keep: bare when there is nothing but a signature."""
    if part.id is None and not part.provider_details:
        return part.signature
    seal = {"id": part.id, "signature": part.signature, "details": part.provider_details}
    kept = {name: value for name, value in seal.items() if value is not None}
    return MARK + to_json(kept, fallback=str).decode()


def unsealed(text: str, signature: str | None, provider: str) -> ThinkingPart:
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
