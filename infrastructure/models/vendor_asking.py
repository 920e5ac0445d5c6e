"""One request to one of pydantic-ai's models. Importing this imports all that a request takes."""

from collections.abc import AsyncGenerator

from pydantic_ai.direct import model_request_stream
from pydantic_ai.models import Model

from turnlog.domain import ModelDelta, ModelReply, ModelRequest, ModelSettings, TurnlogError

from .images import Images
from .vendor_errors import as_broken_answer, as_model_error
from .vendor_replies import LiveReader, as_reply, refuse_fragment
from .vendor_requests import RequestWriter, as_parameters
from .vendor_settings import as_settings
from .vendor_streams import closing_streams


async def ask(
    model: Model, name: str, request: ModelRequest, images: Images
) -> AsyncGenerator[ModelDelta | ModelReply, None]:
    """Stream deltas, then exactly one ModelReply. Raises ModelError, and what loading an image raises."""
    begun = False
    reader = LiveReader()
    try:
        async with (
            closing_streams(),
            model_request_stream(
                model,
                await RequestWriter(name, model.system, images.load).messages(request),
                model_settings=as_settings(name, model, request.settings or ModelSettings()),
                model_request_parameters=as_parameters(name, request),
                instrument=False,
            ) as stream,
        ):
            async for event in stream:
                begun = True
                delta = reader.read(event)
                if delta is not None:
                    yield delta
            response = stream.get()
        if model.provider is not None:  # the vendor's test models never say that they are done
            refuse_fragment(response, name)
        yield await as_reply(response, name, images.keep)
    except TurnlogError:
        raise
    except Exception as error:
        raise (as_broken_answer if begun else as_model_error)(name, error) from error
