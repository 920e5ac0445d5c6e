"""Every provider's models, through pydantic-ai's `direct` API: its Model classes, not its Agent.

Nothing of pydantic-ai is imported before a model is used: the command line starts without it.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from turnlog.domain import (
    BlobRef,
    InvalidInput,
    ModelDelta,
    ModelError,
    ModelReply,
    ModelRequest,
    TurnlogError,
)

if TYPE_CHECKING:
    from pydantic_ai.models import Model as VendorModel
    from pydantic_ai.settings import ModelSettings

LoadImage = Callable[[str], Awaitable[bytes]]
"""The bytes of an image, by its SHA-256 in hex: `Blobs.get`."""

KeepImage = Callable[[bytes, str], Awaitable[BlobRef]]
"""Keep an image of a media type: `Blobs.put`."""

EXTRAS = {
    "anthropic": "anthropic",
    "azure": "openai",
    "deepseek": "openai",
    "fireworks": "openai",
    "google": "google",
    "google-cloud": "google",
    "litellm": "openai",
    "ollama": "openai",
    "openai": "openai",
    "openai-chat": "openai",
    "openai-responses": "openai",
    "openrouter": "openai",
    "together": "openai",
    "vllm": "openai",
}
"""The providers turnlog speaks of, each with the extra of turnlog that brings its SDK."""


class ProviderModel:
    """A model behind a `provider:model` name.

    The provider's client is made with the first request, or by `check`. Images travel by SHA-256:
    `load_image` gives the bytes of those in a request, `keep_image` stores those in an answer.
    Raises InvalidInput when the name is of no known provider.
    """

    def __init__(
        self,
        name: str,
        load_image: LoadImage,
        *,
        keep_image: KeepImage | None = None,
        model: "VendorModel | None" = None,
    ) -> None:
        if model is None:
            _check_name(name)
        self._name = name
        self._load_image = load_image
        self._keep_image = keep_image
        self._given = model
        self._made: tuple[VendorModel, asyncio.AbstractEventLoop | None] | None = None

    @property
    def name(self) -> str:
        """The `provider:model` name recorded in the log."""
        return self._name

    def check(self) -> None:
        """Make the client now, so that a missing SDK or key shows before a turn begins.

        Raises ModelError.
        """
        if self._given is None and self._made is None:
            self._made = (_make(self._name), None)

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        """Stream deltas, then exactly one ModelReply. Raises ModelError, and what `load_image` raises.

        Closing the generator, or cancelling its reader, closes the connection.
        """
        try:
            async with aclosing(self._stream(request)) as items:
                async for item in items:
                    yield item
        except TurnlogError:
            raise
        except Exception as error:
            from .vendor_errors import as_model_error

            raise as_model_error(self._name, error) from error

    async def _stream(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        from pydantic_ai.direct import model_request_stream

        from .vendor_replies import as_delta, as_reply, refuse_fragment
        from .vendor_requests import RequestWriter, as_parameters

        model = self._client()
        writer = RequestWriter(self._name, model.system, self._load_image)
        async with model_request_stream(
            model,
            await writer.messages(request),
            model_settings=_settings(model),
            model_request_parameters=as_parameters(request.tools),
            instrument=False,
        ) as stream:
            async for event in stream:
                delta = as_delta(event)
                if delta is not None:
                    yield delta
            response = stream.get()
        if model.provider is not None:  # the vendor's test models never say that they are done
            refuse_fragment(response, self._name)
        yield await as_reply(response, self._name, self._keep_image)

    def _client(self) -> "VendorModel":
        """The vendor's model; a new one for each event loop, because its connections belong to one."""
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        if self._made is None or self._made[1] not in (None, loop):
            self._made = (_make(self._name), loop)
        self._made = (self._made[0], loop)
        return self._made[0]


def _settings(model: "VendorModel") -> "ModelSettings":
    """No retries in the SDK: each of ours is an event, and a hidden one is a hidden bill."""
    return {} if "max_retries" in model.unsupported_settings else {"max_retries": 0}


def _check_name(name: str) -> None:
    """Refuse what can be no model, without importing anything for a provider we know."""
    provider, colon, model = name.partition(":")
    if colon and provider in EXTRAS and model.strip():
        return
    if not colon or not provider or not model.strip():
        raise InvalidInput(f"a model is named provider:model, not {name!r}; {_known()}")
    from pydantic_ai.providers import infer_provider_class

    try:
        infer_provider_class(provider)
    except ImportError:
        return  # known, but its SDK is missing: the first request says so
    except Exception as error:
        raise InvalidInput(f"there is no provider {provider!r}; {_known()}") from error


def _known() -> str:
    return f"known are {', '.join(sorted(EXTRAS))}, and scripted:PATH"


def _make(name: str) -> "VendorModel":
    """The vendor's model, ready to be asked. Raises ModelError."""
    from pydantic_ai.exceptions import UserError
    from pydantic_ai.models import infer_model

    try:
        return infer_model(name)
    except ImportError as error:
        raise ModelError("unexpected", _missing_sdk(name)) from error
    except UserError as error:
        raise _not_configured(name, str(error)) from error
    except Exception as error:
        from .vendor_errors import as_model_error

        raise as_model_error(name, error) from error


def _missing_sdk(name: str) -> str:
    provider = name.partition(":")[0]
    extra = EXTRAS.get(provider)
    package = f"turnlog[{extra}]" if extra else f"pydantic-ai-slim[{provider}]"
    return f"{name} needs its provider's SDK: install `{package}`"


def _not_configured(name: str, complaint: str) -> ModelError:
    """What to set: the vendor library's message names the variable first, and much else."""
    variable = re.search(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`", complaint)
    if variable is not None:
        wanted = variable.group(1)
        return ModelError("authentication", f"{name} needs {wanted} set in the environment")
    from .vendor_errors import one_line

    return ModelError("rejected", f"{name} cannot be used: {one_line(complaint)}")
