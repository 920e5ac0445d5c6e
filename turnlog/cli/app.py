"""The command line: which commands there are, and under which names."""

import inspect
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
    permissions,
    projecting,
    prompting,
    reading,
    replaying,
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
    usage,
    verifying,
    working,
)

app = typer.Typer(
    name="turnlog",
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


def _register(group: typer.Typer, *commands: Callable[..., None], settings: dict[str, Any] | None = None) -> None:
    for command in commands:
        name = command.__name__.removesuffix("_")
        what, example = inspect.cleandoc(command.__doc__ or "").split("\n\n", 1)
        # Behind \b nothing is wrapped, so that the example can be copied.
        group.command(
            name, help=f"{what}\n\n\b\n{example}", short_help=what.replace("\n", " "), context_settings=settings
        )(command)


def _group(name: str, what: str) -> typer.Typer:
    group = typer.Typer(invoke_without_command=True, rich_markup_mode=None, callback=_needs_a_command)
    app.add_typer(group, name=name, help=what, short_help=what)
    return group


_register(app, demo.demo, running.run, running.resume, working.worker)
_register(app, steering.cancel, steering.stop, steering.steer, compacting.compact)
_register(app, reading.sessions, searching.search, reading.log, showing.show, prompting.prompt)
_register(app, usage.usage)
_register(app, tagging.tag, settings=tagging.SETTINGS)
_register(app, differing.diff, blaming.blame, bisecting.bisect, comparing.compare, forking.fork, forking.rewind)
_register(app, replaying.replay)
_register(app, permissions.approvals, permissions.approve, permissions.deny, explaining.why)
_register(app, exporting.export, exporting.import_)
_register(app, verifying.verify, doctor.doctor)
_register(
    _group("rules", "What is allowed, asked about or denied."),
    rules.list_,
    rules_adding.add,
    rules.revoke,
    rules_eval.eval_,
    rules_eval.test_,
    rules_whatif.whatif,
)
_register(
    _group("projections", "The tables beside the log, to be asked by SQL."),
    projecting.status,
    projecting.build,
    projecting.rebuild,
)
_register(
    _group("tasks", "What is to be done in a project, in which order, and who is at it."),
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
    _group("memory", "What is known in a project, from all its sessions."),
    memory.list_,
    memory.search,
    memory.store,
    memory.pin,
    memory.forget,
)
_register(_group("db", "The database itself."), db.migrate, db.check)
