"""Every provider's models, through pydantic-ai's `direct` API: its Model classes, not its Agent.

Nothing of pydantic-ai is imported before a model is used: the command line starts without it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from turnlog.domain import ModelDelta, ModelReply, ModelRequest

from .images import Images, KeepImage, LoadImage
from .names import check_name

if TYPE_CHECKING:
    from pydantic_ai.models import Model as VendorModel


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
            check_name(name)
        self._name = name
        self._images = Images(load_image, keep_image)
        self._given = model
        self._made: tuple[VendorModel, asyncio.AbstractEventLoop | None] | None = None

    @property
    def name(self) -> str:
        """The `provider:model` name recorded in the log."""
        return self._name

    @property
    def context_window(self) -> int | None:
        """Tokens the model takes; None before there is a client, and for models of which nobody knows it."""
        made = self._given or (self._made[0] if self._made is not None else None)
        return None if made is None else made.profile.get("context_window")

    async def searches_tools(self) -> bool:
        """Whether the provider searches deferred tools for this model. Raises ModelError."""
        model = await self._client()
        from .vendor_searches import can_search

        return can_search(model)

    def check(self) -> None:
        """Make the client now, so that a missing SDK or key shows before a turn begins; blocks.

        Raises ModelError.
        """
        if self._given is None and self._made is None:
            self._made = (_make(self._name), None)

    async def close(self) -> None:
        """Close the provider's connections; a later request opens new ones."""
        made, self._made = self._made, None
        if made is not None and made[0].provider is not None:
            async with made[0].provider:
                pass  # leaving it closes them

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelDelta | ModelReply, None]:
        """Stream deltas, then exactly one ModelReply. Raises ModelError, and what `load_image` raises.

        Closing the generator, or cancelling its reader, closes the connection.
        """
        model = await self._client()
        from .vendor_asking import ask

        async with aclosing(ask(model, self._name, request, self._images)) as items:
            async for item in items:
                yield item

    async def _client(self) -> "VendorModel":
        """The vendor's model; a new one for each event loop, because its connections belong to one."""
        loop = asyncio.get_running_loop()
        found = self._given or self._made_for(loop)
        if found is None:
            made = await asyncio.to_thread(_make, self._name)
            found = self._made_for(loop)  # another request may have been faster
            if found is None:
                found, self._made = made, (made, loop)
        return found

    def _made_for(self, loop: asyncio.AbstractEventLoop) -> "VendorModel | None":
        """The vendor's model where it was made for this loop, or for none yet: then it is this one's from now on."""
        if self._made is None or self._made[1] not in (None, loop):
            return None
        self._made = (self._made[0], loop)
        return self._made[0]


def _make(name: str) -> "VendorModel":
    """The vendor's model; the first of a process takes a second, for importing the library. Raises ModelError."""
    from importlib import import_module

    from .vendor_models import make_model

    import_module(".vendor_asking", __package__)  # here, in a thread: the first request would hold up the loop
    return make_model(name)
