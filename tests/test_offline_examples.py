"""The examples that need no network run as they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ("custom_tool.py", "The letter is on its way."),
        ("hooks.py", "One is saved; the other I may not."),
        ("worker.py", "Letter 1: idle, Letter 2: idle, Letter 3: idle"),
        ("skills.py", "Invoice 2026-1: 12.50"),
        ("mcp_tools.py", "It is 21:00."),
        ("compaction.py", "All three went well."),
        ("team.py", "bob has left, ada has left"),
        ("subagents.py", "Both files are fine."),
        ("shared_work.py", "True - Staging is slow."),
    ],
)
def test_an_example_runs_to_its_last_word(example: str, said: str, tmp_path: Path) -> None:
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    run = subprocess.run(
        [sys.executable, EXAMPLES / example],
        cwd=tmp_path,
        env={**os.environ, "PATH": search},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == said
