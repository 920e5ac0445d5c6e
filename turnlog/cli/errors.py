"""From whatever went wrong to one line on stderr and an exit code."""

import io
import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence

import typer

INTERRUPTED = 130
_TRACEBACK = "TURNLOG_TRACEBACK"
_IN_OUR_WORDS = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "a whole number is needed",
    "Input should be greater than or equal to": "it must be at least",
}


def run(arguments: Sequence[str]) -> int:
    """Run the command line; what it exits with."""
    _never_fail_to_encode()
    try:
        return _checked(arguments)
    except BrokenPipeError:
        return _reader_is_gone()
    except KeyboardInterrupt:
        return INTERRUPTED


def _checked(arguments: Sequence[str]) -> int:
    as_json = _wants_json(arguments)
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except typer.Abort:
        return _report("aborted", "the input ended", 1, as_json)
    except typer.TyperException as error:
        return _usage(error, as_json)
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is, it becomes one line
        return _failure(error, as_json)
    return code


def _invoke(arguments: Sequence[str]) -> int:
    from .app import app

    result: object = app(args=list(arguments), prog_name="turnlog", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _usage(error: typer.TyperException, as_json: bool) -> int:
    return _report("usage", _explained(error), error.exit_code, as_json)


def _explained(error: typer.TyperException) -> str:
    """What is wrong with a command line, in the words of people, and where its help is."""
    message = error.format_message()
    for theirs, ours in _IN_OUR_WORDS.items():
        message = message.replace(theirs, ours)
    command: str | None = getattr(getattr(error, "ctx", None), "command_path", None)
    says_enough = isinstance(error, typer.BadParameter) and not message.startswith("Missing")
    if command is None or says_enough or message.endswith("?"):  # it suggests what was meant
        return message
    return f"{message.rstrip('.')}; `{command} --help` shows what there is"


def _failure(error: Exception, as_json: bool) -> int:
    if os.environ.get(_TRACEBACK):
        traceback.print_exception(error)
    from turnlog.domain import LimitReached, TurnlogError

    if isinstance(error, LimitReached) and as_json:
        return _write({"code": error.code, "limit": error.limit, "message": error.message}, error.exit_code)
    if isinstance(error, TurnlogError):
        return _report(error.code, error.message, error.exit_code, as_json)
    named = f"{type(error).__name__}: {error} (unexpected; {_TRACEBACK}=1 shows where)"
    return _report("unexpected", named, 1, as_json)


def _report(code: str, message: str, exit_code: int, as_json: bool) -> int:
    from .text import safe_line

    if as_json:
        return _write({"code": code, "message": message}, exit_code)
    sys.stderr.write(f"turnlog: {safe_line(message)}\n")
    return exit_code


def _write(error: Mapping[str, str], exit_code: int) -> int:
    sys.stderr.write(f"{json.dumps({'error': error})}\n")
    return exit_code


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether JSON is wanted, told before anything is parsed: a command line that cannot be read is an error too."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def _reader_is_gone() -> int:
    """Whoever read stdout has had enough. What Python flushes on the way out must not complain about it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return 1


def _never_fail_to_encode() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
