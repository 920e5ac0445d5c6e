"""Somebody swaps files and directories for symlinks out of the workspace, as fast as it goes, while tools write."""

import logging
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from math import inf
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import Tool
from turnlog.infrastructure import tools

from .calling import call
from .reaching import tree

pytestmark = pytest.mark.usefixtures("each_way")

CALLS: tuple[tuple[Tool, dict[str, JsonValue]], ...] = (
    (tools.write_file, {"path": "d/a.txt", "content": "inside"}),
    (tools.write_file, {"path": "d/new/b.txt", "content": "inside"}),
    (tools.edit_file, {"path": "d/a.txt", "old": "inside", "new": "within"}),
    (tools.edit_file, {"path": "d/a.txt", "old": "outside", "new": "within"}),
    (tools.move_file, {"path": "d/a.txt", "to": "d/c.txt", "overwrite": True}),
    (tools.move_file, {"path": "d/c.txt", "to": "elsewhere/a.txt", "overwrite": True}),
    (tools.delete_file, {"path": "d/a.txt"}),
    (tools.delete_file, {"path": "d/new", "recursive": True}),
    (tools.delete_file, {"path": "d", "recursive": True}),
    (tools.read_file, {"path": "d/a.txt"}),
    (tools.list_files, {"path": "d"}),
)


@contextmanager
def swapping(workspace: Path, outside: Path) -> Generator[None]:
    """Have another process swap what the calls are about."""
    process = subprocess.Popen((sys.executable, "-I", str(Path(__file__).with_name("swapper.py")), workspace, outside))
    try:
        yield
        assert process.poll() is None, "the other process ended"
    finally:
        process.kill()
        process.wait()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("most_seconds", "enough", "fewest"), [(5, inf, 100), pytest.param(900, 50_000, 50_000, marks=pytest.mark.soak)]
)
async def test_no_race_leads_a_tool_out_of_the_workspace(
    workspace: Path, most_seconds: float, enough: float, fewest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", os.fstat)  # syncing would take most of the time
    outside = workspace.parent / "outside"
    (outside / "a.txt").write_text("outside")
    (outside / "new").mkdir()
    (outside / "new" / "b.txt").write_text("outside")
    before = tree(outside)
    outcomes: Counter[tuple[str, bool]] = Counter()
    began = time.monotonic()
    with swapping(workspace, outside):
        while time.monotonic() < began + most_seconds and outcomes.total() < enough:
            for tool, arguments in CALLS:
                output = await call(tool, workspace, **arguments)
                assert all(part != "1\toutside" for part in output.content)
                outcomes[tool.spec.name, output.is_error] += 1
    took = time.monotonic() - began
    logging.getLogger(__name__).info("%d attempts in %.0f s: %s", outcomes.total(), took, dict(outcomes))
    assert tree(outside) == before
    assert outcomes.total() >= fewest, "there were few attempts"
    for tool, _ in CALLS[:9]:
        assert outcomes[tool.spec.name, True], f"{tool.spec.name} never came upon a symlink: the race was not run"
        assert outcomes[tool.spec.name, False], f"{tool.spec.name} never got through: the race was not run"
