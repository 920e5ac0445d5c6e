"""The one module that names concrete adapters."""

import getpass

from turnlog.domain import Actor, Model, clean
from turnlog.infrastructure import models, store, system, tools

from .front import Turnlog
from .runtime import Environment, Settings

ScriptedCall = models.ScriptedCall
ScriptedModel = models.ScriptedModel
ScriptedReply = models.ScriptedReply
tool = tools.tool


def open_turnlog(url: str, settings: Settings, user: str | None = None) -> Turnlog:
    """A turnlog on the store at a URL; blocks while it connects. Raises InvalidInput, StoreError."""
    opened = store.open_store(url)
    workers = system.LocalWorkers()

    def model(name: str) -> Model:
        found = models.resolve_model(name, opened.blobs.get, keep_image=opened.blobs.put)
        if isinstance(found, models.ProviderModel):
            found.check()
        return found

    env = Environment(
        log=opened.log,
        blobs=opened.blobs,
        snapshots=opened.snapshots,
        clock=system.SystemClock(),
        ids=system.RandomIds(),
        workers=workers,
        models=model,
        tools=tools.BUILTIN_TOOLS.get,
        user=Actor(kind="user", id=clean(user or _login())),
        worker=workers.me,
        settings=settings,
    )
    return Turnlog(env, opened.close)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
