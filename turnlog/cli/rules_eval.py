"""rules eval and test: what rules say of calls, from JSON lines; nothing runs, and no database is opened."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from .options import Json
from .output import note, table, write_json
from .text import safe_line

if TYPE_CHECKING:
    from turnlog.infrastructure import permissions


Workspace = Annotated[
    Path,
    typer.Option(
        "--workspace", metavar="DIR", exists=True, file_okay=False, help="The directory the calls are made in."
    ),
]


def eval_(workspace: Workspace = Path(), as_json: Json = False) -> None:
    """Judge calls by rules: a JSON object with rule and input on each line of standard input.

    Example: turnlog rules eval --json < cases.jsonl
    """
    from turnlog.infrastructure import permissions

    directory = workspace.resolve()
    answers = (permissions.judge_case(line, directory) for line in _lines(sys.stdin.buffer))
    if as_json:
        for answer in answers:
            write_json({"id": answer.id, "verdict": answer.judgement.verdict, "why": answer.judgement.why})
    else:
        table(("ID", "VERDICT", "WHY"), [_row(answer) for answer in answers], elastic=("WHY",))


def test_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Cases, each with the verdict expected.")
    ],
    workspace: Workspace = Path(),  # noqa: PT028 - a command of that name, no test
    as_json: Json = False,  # noqa: PT028
) -> None:
    """Check a table of expected verdicts: JSON lines as for eval, with expected. Exit code 1 where one differs.

    Example: turnlog rules test cases.jsonl
    """
    from turnlog.infrastructure import permissions

    directory = workspace.resolve()
    with file.open("rb") as lines:
        answers = [permissions.judge_case(line, directory) for line in _lines(lines)]
    wrong = [answer for answer in answers if answer.judgement.verdict != answer.expected]
    if as_json:
        for answer in answers:
            said = {"id": answer.id, "expected": answer.expected, "verdict": answer.judgement.verdict}
            write_json({**said, "why": answer.judgement.why})
    elif wrong:
        rows = [(safe_line(str(answer.expected)), *_row(answer)) for answer in wrong]
        table(("EXPECTED", "ID", "VERDICT", "WHY"), rows, elastic=("WHY",))
    note(f"{len(answers)} cases, {len(wrong)} of them not as expected")
    if wrong or not answers:
        raise typer.Exit(1)


def _lines(file: BinaryIO) -> Iterator[str]:
    """The lines that are not blank; bytes that are no UTF-8 stay in sight, as characters nothing allows."""
    for line in file:
        if line.strip():
            yield line.decode(errors="surrogateescape")


def _row(answer: "permissions.Answer") -> tuple[str, str, str]:
    return safe_line(str(answer.id)), answer.judgement.verdict, safe_line(answer.judgement.why)
