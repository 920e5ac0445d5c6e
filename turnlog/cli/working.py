"""worker: running the sessions that nobody runs."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .named import KINDS, OwnTools, named, own_tools, several
from .opening import with_log
from .options import DEFAULT_DATABASE, Database, Json
from .output import note, write_json

if TYPE_CHECKING:
    import asyncio

    from turnlog.front import Turnlog
    from turnlog.runtime.workers.work_reports import WorkReport

_TONES = {"finished": "good", "suspended": "ask", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class Brought:
    """What sessions need and no log can hold."""

    tools: list[Any] = field(default_factory=list[Any])
    models: list[Any] = field(default_factory=list[Any])
    hooks: list[Any] = field(default_factory=list[Any])


def worker(
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-c", min=1, metavar="N", help="How many sessions run at a time.")
    ] = 10,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is left that can be run.")] = False,
    tools: OwnTools = None,
    app: Annotated[
        str | None,
        typer.Option("--app", metavar="MODULE:NAME", help="An object with your own `tools`, `models` and `hooks`."),
    ] = None,
    as_json: Json = False,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Run the sessions that nobody runs, several at a time. SIGTERM or Ctrl-C ends the steps under way, and then it.

    Example: turnlog worker --concurrency 20 --app shop.agents:app
    """
    brought = _brought(tools or (), app)

    async def work(log: "Turnlog") -> None:
        import asyncio

        pool = log.work(
            tools=brought.tools,
            models=brought.models,
            hooks=brought.hooks,
            concurrency=concurrency,
            until_idle=once,
            tell=_tell_json if as_json else _tell,
        )
        await _until_told(asyncio.create_task(pool), _say_nothing if as_json else _say)

    with_log(database, work)


async def _until_told(pool: "asyncio.Task[None]", say: Callable[[str], None]) -> None:
    """Let the pool work until a signal; a second one is not waited for any longer."""
    import asyncio

    loop, told = asyncio.get_running_loop(), 0

    def end() -> None:
        nonlocal told
        told += 1
        say("ending the steps under way; once more breaks them off" if told == 1 else "breaking off")
        pool.cancel()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, end)
    try:
        await pool
    except asyncio.CancelledError:
        if not told:
            raise
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)


def _brought(tools: Sequence[str], app: str | None) -> Brought:
    """Import what the sessions need. Raises typer.BadParameter."""
    brought = Brought(tools=own_tools(tools))
    if app is None:
        return brought
    found = named(app, "--app")
    given = [kind for kind in KINDS if hasattr(found, kind)]
    if not given:
        raise typer.BadParameter(f"{app!r} has none of {', '.join(KINDS)}", param_hint="--app")
    for kind in given:
        getattr(brought, kind).extend(several(getattr(found, kind), kind, app, "--app"))
    return brought


def _tell_json(report: "WorkReport") -> None:
    from .records import plain

    write_json({name: value for name, value in plain(report).items() if value is not None})


def _tell(report: "WorkReport") -> None:
    from .text import count, moment, safe_line

    if report.event in ("swept", "idle", "draining"):
        waiting = "ending the steps under way" if report.event == "draining" else "nothing to run"
        said = waiting if report.found is None else f"found {count(report.found, 'session')} to run"
        note((f"{moment(report.at)}  {said}", "quiet"))
        return
    about = {
        "claimed": "",
        "finished": report.outcome or "",
        "suspended": f"{report.reason}: {', '.join(report.waiting_for or ())}".rstrip(": "),
        "failed": f"{report.code}: {report.message}",
        "released": "another worker goes on",
    }[report.event]
    again = "" if report.retry_seconds is None else f" (again in {report.retry_seconds:g} s)"
    head = f"{moment(report.at)}  {report.session or ''}  {report.event:9}  "
    note((f"{head}{safe_line(f'{about}{again}')}".rstrip(), _TONES.get(report.event, "plain")))


def _say(text: str) -> None:
    note((text, "quiet"))


def _say_nothing(text: str) -> None:
    """Where every line is a document there is no place for remarks."""
