"""The command line: which commands there are, and under which names."""

import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

from . import (
    bisecting,
    blaming,
    compacting,
    comparing,
    db,
    demo,
    differing,
    doctor,
    explaining,
    exporting,
    forking,
    memory,
    outcomes,
    permissions,
    projecting,
    prompting,
    reading,
    replaying,
    rerunning,
    rules,
    rules_adding,
    rules_eval,
    rules_whatif,
    running,
    searching,
    showing,
    steering,
    tagging,
    task_board,
    team,
    usage,
    verifying,
    working,
)
from .panels import ListsByDefault, Panels

_RUN = "Run sessions"
_READ = "Find and read them"
_TIME = "Walk them in time"
_DECIDE = "Decide what is allowed"
_SHARE = "Share in a project"
_KEEP = "Keep the log"

_SENTENCE_GOES_ON = re.compile(r"[:;.] |, and ")
"""Behind this a sentence about a command says more than a list of commands has room for."""

app = typer.Typer(
    name="turnlog",
    cls=Panels,
    help="Agents whose log is the session: run them, walk them in time, answer their questions.",
    epilog="Sessions and requests may be named by the beginning of their id. Exit codes: 0 ok, 1 failed, 2 usage, "
    "3 not found, 4 permission needed, 5 conflict, 6 verification failed, 7 outcome unknown, 130 interrupted.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from turnlog import __version__

        typer.echo(f"turnlog {__version__}")
        raise typer.Exit


def _needs_a_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


@app.callback()
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Agents whose log is the session: run them, walk them in time, answer their questions."""
    _needs_a_command(context)


def _register(
    group: typer.Typer, *commands: Callable[..., None], panel: str | None = None, settings: dict[str, Any] | None = None
) -> None:
    """Put commands into a group; `panel` is the heading in its help under which they stand."""
    for command in commands:
        name = command.__name__.removesuffix("_")
        what, example = inspect.cleandoc(command.__doc__ or "").split("\n\n", 1)
        # Behind \b nothing is wrapped, so that the example can be copied.
        group.command(
            name,
            help=f"{what}\n\n\b\n{example}",
            short_help=_SENTENCE_GOES_ON.split(what.replace("\n", " "), maxsplit=1)[0].rstrip("."),
            rich_help_panel=panel,
            context_settings=settings,
        )(command)


def _group(name: str, what: str, panel: str, kind: type[Panels] = Panels) -> typer.Typer:
    group = typer.Typer(
        cls=kind, invoke_without_command=True, rich_markup_mode=None, callback=_needs_a_command, rich_help_panel=panel
    )
    app.add_typer(group, name=name, help=what, short_help=what.rstrip("."), rich_help_panel=panel)
    return group


_register(app, demo.demo, running.run, running.resume, working.worker, panel=_RUN)
_register(app, steering.cancel, steering.stop, steering.steer, compacting.compact, panel=_RUN)
_register(app, reading.sessions, searching.search, reading.log, showing.show, prompting.prompt, panel=_READ)
_register(app, usage.usage, panel=_READ)
_register(app, tagging.tag, panel=_READ, settings=tagging.SETTINGS)
_register(app, differing.diff, blaming.blame, bisecting.bisect, comparing.compare, panel=_TIME)
_register(app, replaying.replay, rerunning.rerun, forking.fork, forking.rewind, panel=_TIME)
_register(app, permissions.approvals, permissions.approve, permissions.deny, explaining.why, panel=_DECIDE)
_register(app, outcomes.unknown, outcomes.resolve, panel=_DECIDE)
_register(
    _group("rules", "What is allowed, asked about or denied.", _DECIDE),
    rules.list_,
    rules_adding.add,
    rules.revoke,
    rules_eval.eval_,
    rules_eval.test_,
    rules_whatif.whatif,
)
_register(
    _group("tasks", "What is to be done in a project, in which order, and who is at it.", _SHARE),
    task_board.list_,
    task_board.add,
    task_board.claim,
    task_board.release,
    task_board.done,
    task_board.reopen,
    task_board.drop,
    task_board.change,
)
_register(
    _group("team", "Who works for a session as its team, and saying something to them.", _SHARE, ListsByDefault),
    team.list_,
    team.send,
)
_register(
    _group("memory", "What is known in a project, from all its sessions.", _SHARE),
    memory.list_,
    memory.search,
    memory.store,
    memory.pin,
    memory.forget,
)
_register(app, exporting.export, exporting.import_, panel=_KEEP)
_register(app, verifying.verify, doctor.doctor, panel=_KEEP)
_register(
    _group("projections", "The tables beside the log, to be asked by SQL.", _KEEP),
    projecting.status,
    projecting.build,
    projecting.rebuild,
)
_register(_group("db", "The database itself.", _KEEP), db.migrate, db.check)
