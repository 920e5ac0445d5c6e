"""The one module that names concrete adapters."""

import getpass
from collections.abc import Mapping

from turnlog.domain import STANDARD, Actor, Model, Policy, UnsafeStore, clean
from turnlog.infrastructure import mcp, models, permissions, readmodels, skills, store, system, tools

from .front import Turnlog
from .runtime import Authorizer, Environment, Hook, Settings
from .runtime.redacting import Redactor

ModelInfo = models.ModelInfo
ScriptedCall = models.ScriptedCall
ScriptedModel = models.ScriptedModel
ScriptedReply = models.ScriptedReply
list_models = models.list_models
resolve_model = models.full_name
tool = tools.tool
McpServer = mcp.McpServer
mcp_tools = mcp.mcp_tools
Skills = skills.Skills


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
) -> Turnlog:
    """A turnlog on the store at a URL; blocks while it connects. Raises InvalidInput, StoreError."""
    Redactor(secrets or {})  # before anything is open that would have to be closed again
    opened = store.open_store(url)
    read_tables = readmodels.open_read_models(url)
    workers = system.LocalWorkers()

    providers: dict[str, models.ProviderModel] = {}  # one a name, so that turns share connections

    def model(name: str) -> Model:
        found = providers.get(name) or models.resolve_model(name, opened.blobs.get, keep_image=opened.blobs.put)
        if isinstance(found, models.ProviderModel):
            found.check()
            providers[name] = found
        return found

    async def close() -> None:
        try:
            for provider in providers.values():
                await provider.close()
        finally:
            await read_tables.close()
            await opened.close()

    env = Environment(
        log=opened.log,
        blobs=opened.blobs,
        snapshots=opened.snapshots,
        archive=opened.archive,
        read_tables=read_tables,
        clock=system.SystemClock(),
        ids=system.RandomIds(),
        workers=workers,
        models=model,
        tools=tools.BUILTIN_TOOLS.get,
        permissions=permissions.StructuredPermissions(),
        user=Actor(kind="user", id=clean(user or _login())),
        worker=workers.me,
        settings=settings,
        full_name=models.full_name,
        hooks=hooks,
        policy=policy,
        authorizer=authorizer,
        secrets=secrets or {},
        state=state or {},
    )
    return Turnlog(env, close)


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
