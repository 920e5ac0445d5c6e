"""Models: scripted ones for tests and the demo, and every provider through one adapter.

Importing this package imports no provider library; that happens with a model's first request.
"""

from typing import TYPE_CHECKING

from turnlog.domain import on_demand

if TYPE_CHECKING:
    from .images import KeepImage, LoadImage
    from .listing import ModelInfo, full_name, list_models
    from .providers import ProviderModel
    from .resolving import price_for, resolve_model
    from .scripted import ScriptedCall, ScriptedFailure, ScriptedModel, ScriptedReply

__all__ = [
    "KeepImage",
    "LoadImage",
    "ModelInfo",
    "ProviderModel",
    "ScriptedCall",
    "ScriptedFailure",
    "ScriptedModel",
    "ScriptedReply",
    "full_name",
    "list_models",
    "price_for",
    "resolve_model",
]

if not TYPE_CHECKING:  # or every name would count as one that is here
    __getattr__ = on_demand(
        __name__,
        {
            "images": "KeepImage LoadImage",
            "listing": "ModelInfo full_name list_models",
            "providers": "ProviderModel",
            "resolving": "price_for resolve_model",
            "scripted": "ScriptedCall ScriptedFailure ScriptedModel ScriptedReply",
        },
    )
