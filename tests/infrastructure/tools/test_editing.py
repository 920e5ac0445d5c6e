"""`edit_file` with several replacements: all of them, in order, or none."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.infrastructure import tools

from .calling import call, text
from .reaching import file_of, tree

edit_file = tools.edit_file


def edit(old: str, new: str, **more: JsonValue) -> JsonValue:
    """One of several replacements."""
    return {"old": old, "new": new, **more}


async def test_several_replacements_are_made_in_order(workspace: Path) -> None:
    (workspace / "a").write_text("one two two\n")
    edits = [edit("one", "1"), edit("two", "2", expected_replacements=2), edit("1 2", "first")]
    output = await call(edit_file, workspace, path="a", edits=edits)
    assert text(output) == 'edited "a": 3 edits, 4 replacements'
    assert tree(workspace) == {"a": "first 2\n"}
    assert output.details == {"path": "a", "before": file_of("one two two\n"), "after": file_of("first 2\n")}


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (edit("three", "3"), 'edit 2 of 2: "a" contains `old` 0 times, not 1; nothing was changed'),
        (edit("o", "0"), 'edit 2 of 2: "a" contains `old` 3 times, not 1; nothing was changed'),
        (edit("one", "x"), 'edit 2 of 2: "a" contains `old` 0 times'),
        (edit("two", "two"), "nothing to change"),
        (edit("1", "one"), "undo each other"),
        (edit("two", "\ud800"), "new contains a lone surrogate"),
        (edit("", "x"), "edits.1.old: String should have at least 1 character"),
        ({"old": "two"}, "edits.1.new: Field required"),
        (edit("two", "2", all=True), "edits.1.all: Extra inputs are not permitted"),
    ],
)
async def test_if_one_does_not_fit_none_is_made(workspace: Path, second: JsonValue, problem: str) -> None:
    (workspace / "a").write_text("one two foo\n")
    output = await call(edit_file, workspace, path="a", edits=[edit("one", "1"), second])
    assert output.is_error
    assert problem in text(output)
    assert tree(workspace) == {"a": "one two foo\n"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "there is nothing to replace; give `old` and `new`, or `edits`"),
        ({"old": "one"}, "`new` is missing; give both `old` and `new`"),
        ({"new": "one"}, "`old` is missing; give both `old` and `new`"),
        ({"expected_replacements": 2}, "`old` is missing; give both `old` and `new`"),
        ({"old": "one", "new": "1", "edits": [edit("one", "1")]}, "give either `old` and `new`, or `edits`, not both"),
        ({"edits": []}, "edits: List should have at least 1 item"),
        ({"edits": "one"}, "edits: Input should be a valid list"),
        ({"edits": [edit(f"{number}", "x") for number in range(201)]}, "edits: List should have at most 200 items"),
    ],
)
async def test_replacements_are_said_in_one_way(workspace: Path, arguments: dict[str, JsonValue], problem: str) -> None:
    (workspace / "a").write_text("one\n")
    output = await call(edit_file, workspace, path="a", **arguments)
    assert output.is_error
    assert problem in text(output)
    assert tree(workspace) == {"a": "one\n"}


async def test_an_edit_that_would_grow_the_file_beyond_measure_is_refused(workspace: Path) -> None:
    (workspace / "a").write_text("a" * 1_000_000)
    output = await call(edit_file, workspace, path="a", old="a", new="b" * 1_000_000, expected_replacements=1_000_000)
    assert text(output) == '"a" would have 1,000,000,000,000 bytes, more than can be edited'
    assert (workspace / "a").read_text() == "a" * 1_000_000
