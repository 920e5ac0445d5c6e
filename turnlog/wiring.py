"""The one module that names concrete adapters."""

import getpass
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from contextvars import ContextVar
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any

from turnlog.domain import STANDARD, Actor, Cost, Model, Policy, Tool, UnsafeStore, Usage, clean
from turnlog.infrastructure import models, permissions, readmodels, store, system

from .front import Turnlog
from .runtime import Authorizer, Environment, Hook, Settings
from .runtime.delegation.templates import SubagentTemplate
from .runtime.turns.redacting import Redactor

if TYPE_CHECKING:
    from turnlog.infrastructure import mcp, skills, tools

    McpServer = mcp.McpServer
    mcp_tools = mcp.mcp_tools
    Skills = skills.Skills
    tool = tools.tool
    ModelInfo = models.ModelInfo
    ScriptedCall = models.ScriptedCall
    ScriptedModel = models.ScriptedModel
    ScriptedReply = models.ScriptedReply
    ScriptedSearch = models.ScriptedSearch
    list_models = models.list_models
    resolve_model = models.full_name

ARRANGED: ContextVar[Callable[[Environment], Environment] | None] = ContextVar("arranged", default=None)
"""What tests put in place of ports, in every log that is opened where it is set: see `turnlog.testing`."""

_LATER = {
    "McpServer": "mcp.McpServer",
    "mcp_tools": "mcp.mcp_tools",
    "Skills": "skills.Skills",
    "tool": "tools.tool",
    "ModelInfo": "models.ModelInfo",
    "ScriptedCall": "models.ScriptedCall",
    "ScriptedModel": "models.ScriptedModel",
    "ScriptedReply": "models.ScriptedReply",
    "ScriptedSearch": "models.ScriptedSearch",
    "list_models": "models.list_models",
    "resolve_model": "models.full_name",
}
"""What most commands never use, and where it is: showing a session must not wait for every tool's schema."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    package, _, found = _LATER[name].partition(".")
    return getattr(import_module(f"turnlog.infrastructure.{package}"), found)


async def _full_name(name: str) -> str:
    return await models.full_name(name)


async def _price(name: str, usage: Usage) -> Cost | None:
    return await models.price_for(name, usage)


def _builtin_tool(name: str) -> Tool | None:
    from turnlog.infrastructure import tools

    return tools.BUILTIN_TOOLS.get(name)


def open_turnlog(  # noqa: PLR0913 - what `Turnlog.open` is given
    url: str,
    settings: Settings,
    user: str | None = None,
    *,
    hooks: tuple[Hook, ...] = (),
    policy: Policy = STANDARD,
    authorizer: Authorizer | None = None,
    secrets: Mapping[str, str] | None = None,
    state: Mapping[type, object] | None = None,
    subagents: Mapping[str, SubagentTemplate] | None = None,
) -> Turnlog:
    """A turnlog on the store at a URL; blocks while it connects. Raises InvalidInput, StoreError."""
    Redactor(secrets or {})  # before anything is open that would have to be closed again
    opened = store.open_store(url)
    read_tables = readmodels.open_read_models(url)
    workers = system.LocalWorkers()

    providers: dict[str, models.ProviderModel] = {}  # one a name, so that turns share connections

    one_at_a_time = Lock()  # it is asked from threads

    def model(name: str) -> Model:
        with one_at_a_time:
            found = providers.get(name) or models.resolve_model(name, opened.blobs.get, keep_image=opened.blobs.put)
            if isinstance(found, models.ProviderModel):
                found.check()
                providers[name] = found
            return found

    async def close() -> None:
        async with AsyncExitStack() as last_first:
            last_first.push_async_callback(opened.close)
            last_first.push_async_callback(read_tables.close)
            for provider in providers.values():
                last_first.push_async_callback(provider.close)

    env = Environment(
        log=opened.log,
        blobs=opened.blobs,
        snapshots=opened.snapshots,
        heartbeats=opened.heartbeats,
        hints=opened.hints,
        archive=opened.archive,
        read_tables=read_tables,
        clock=system.SystemClock(),
        ids=system.RandomIds(),
        workers=workers,
        models=model,
        tools=_builtin_tool,
        permissions=permissions.StructuredPermissions(),
        user=Actor(kind="user", id=clean(user or _login())),
        worker=workers.me,
        settings=settings,
        full_name=_full_name,
        price=_price,
        hooks=hooks,
        policy=policy,
        authorizer=authorizer,
        secrets=secrets or {},
        state=state or {},
        subagents=subagents or {},
    )
    arranged = ARRANGED.get()
    return Turnlog(env if arranged is None else arranged(env), close)


def require_safe(url: str) -> None:
    """Run the checks of `turnlog doctor`; blocks, and changes nothing. Raises UnsafeStore, InvalidInput."""
    from turnlog.infrastructure import verification

    bad = [check for check in verification.examine(url) if check.state == "bad"]
    if bad:
        shown = store.without_password(url)
        said = "; ".join(f"{check.name}: {check.found} ({check.advice})" for check in bad)
        raise UnsafeStore(f"{shown} fails checks of `turnlog doctor`, so it was not opened: {said}")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
