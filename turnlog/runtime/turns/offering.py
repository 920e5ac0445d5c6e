"""The tools of a request: those a model is shown, and where its provider searches also those that it can find."""

from turnlog.domain import (
    FIND_TOOLS,
    OUTPUT_TOOL,
    ModelError,
    SearchesTools,
    Session,
    ToolSpec,
    names_found,
)
from turnlog.projections import Transcript, messages

from ..worker import Worker
from .prompts import offered


async def tools_for(worker: Worker) -> tuple[ToolSpec, ...]:
    """The tools to send with the next request.

    Where the provider searches, those that can be found are among them, marked as deferred, in place of `find_tools`.
    """
    shown = offered(worker.session, worker.tools)
    if not await _provider_searches(worker):
        return shown
    loaded = _loaded(worker.session, worker.transcript)
    hidden = worker.session.toolset.hidden(worker.session.tools)
    held_back = [name for name in worker.session.tools if name in worker.tools and name in loaded.union(hidden)]
    plain = [spec for spec in shown if spec.name not in loaded and spec.name not in (FIND_TOOLS, OUTPUT_TOOL)]
    last = [spec for spec in shown if spec.name == OUTPUT_TOOL]
    deferred = [worker.tools[name].spec.model_copy(update={"deferred": True}) for name in held_back]
    return (*plain, *deferred, *last)


async def _provider_searches(worker: Worker) -> bool:
    toolset, model = worker.session.toolset, worker.model
    if toolset.search != "provider" or not toolset.deferred or not isinstance(model, SearchesTools):
        return False
    try:
        return await model.searches_tools()
    except ModelError:
        return False  # asking it fails in the same way, and that is recorded


def _loaded(session: Session, transcript: Transcript) -> frozenset[str]:
    """The tools that searches found which the model still sees: these stay where they are, as they load them anew.

    Others that were found, by a search that a summary stands for or one of another model, are shown as any tool is.
    """
    found = names_found(messages(transcript, session.model), session.model)
    return found.intersection(session.toolset.found, session.tools_shown)
