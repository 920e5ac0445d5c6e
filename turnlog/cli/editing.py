"""Other arguments for a call: in the person's editor, or on a line."""

import asyncio
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from turnlog.domain import InvalidInput
from turnlog.runtime.turns.arguments import InvalidArguments, parse_object

from .lines import Lines
from .output import note


async def edited(text: str, lines: Lines) -> Mapping[str, JsonValue] | None:
    """The arguments a person makes of these; None where they change nothing. Raises InvalidInput.

    What is not seen is written as code points, here as elsewhere.
    """
    before = _object(text)
    editor = _editor()
    if editor:
        typed = await _in_editor(editor, json.dumps(before, indent=2))
    else:
        note(f"    {json.dumps(before)}")
        typed = await lines.next("arguments, as JSON (empty: leave them): ") or ""
    if not typed.strip():
        return None
    after = _object(typed)
    return None if after == before else after


def _editor() -> list[str]:
    """The editor as a command; nothing where none is set, or nobody sits here. Raises InvalidInput."""
    if not sys.stdin.isatty():
        return []
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        return shlex.split(named)
    except ValueError as error:
        raise InvalidInput(f"the editor {named!r} cannot be read as a command: {error}") from error


async def _in_editor(editor: list[str], text: str) -> str:
    """What was saved; nothing where the editor failed. Raises InvalidInput."""
    with tempfile.TemporaryDirectory(prefix="turnlog-") as directory:
        file = _laid_out(Path(directory), text)
        status = await _run([*editor, str(file)])
        if status:
            note(f"the editor ended with status {status}; nothing was changed")
            return ""
        return _saved(file)


async def _run(words: list[str]) -> int:
    """Run a command on this terminal; it goes when the question does. Raises InvalidInput."""
    try:
        process = await asyncio.create_subprocess_exec(*words)
    except OSError as error:
        raise InvalidInput(f"the editor {words[0]!r} cannot be run: {error.strerror or error}") from error
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _laid_out(directory: Path, text: str) -> Path:
    file = directory / "arguments.json"
    file.write_text(f"{text}\n", encoding="utf-8")
    return file


def _saved(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"what the editor saved cannot be read: {error}") from error


def _object(text: str) -> dict[str, JsonValue]:
    try:
        return parse_object(text)
    except InvalidArguments as problem:
        raise InvalidInput(str(problem)) from problem
