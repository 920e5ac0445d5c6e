"""From the name of a model to the model, and to what its answers cost."""

import asyncio

from turnlog.domain import Cost, InvalidInput, Model, Usage

from .images import KeepImage, LoadImage

SCRIPTED = "scripted:"


def resolve_model(name: str, load_image: LoadImage, *, keep_image: KeepImage | None = None) -> Model:
    """The model behind a full name: `scripted:PATH`, or `provider:model`.

    `load_image` gives the bytes of an image by its SHA-256 (`Blobs.get`); `keep_image` stores one
    that a model made (`Blobs.put`). Raises InvalidInput.
    """
    if not name.startswith(SCRIPTED):
        from .providers import ProviderModel

        return ProviderModel(name, load_image, keep_image=keep_image)
    path = name.removeprefix(SCRIPTED)
    if not path:
        raise InvalidInput("scripted: needs the path of a script, as in scripted:replies.json")
    from .scripted import ScriptedModel

    return ScriptedModel.load(path)


async def price_for(name: str, usage: Usage) -> Cost | None:
    """What an answer of so many tokens costs from a model, by the price list; None where nobody knows.

    The list is part of an installed package; nothing is fetched.
    """
    if name.startswith(SCRIPTED):
        return None

    def look_up() -> Cost | None:
        from .prices import list_price

        return list_price(name, usage)

    return await asyncio.to_thread(look_up)  # the first of a process imports the list
