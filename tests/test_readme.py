"""The README says what is true: its example runs as printed."""

import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text()


def example() -> str:
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_python_example_runs_in_twenty_lines_and_says_what_its_comments_say(tmp_path: Path) -> None:
    code = example()
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    said = run.stdout.splitlines()
    assert said[0] == "suspended permission"
    assert said[1] == "Ada has her invoice."
    assert "5 ModelResponded" in said
    assert said[-1] == "5"
