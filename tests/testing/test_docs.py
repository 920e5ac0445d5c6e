"""What the pages on testing and reliability show is true."""

import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_example_of_a_crash_matrix_passes_as_printed(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "testing.md").read_text(), re.DOTALL)
    assert found is not None
    (tmp_path / "test_mine.py").write_text(found.group(1).replace("(my_session)", "(my_session, stride=5)"))
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "test_mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout
    assert "0 doubles, 0 losses" in done.stdout


def test_the_figures_on_the_page_are_those_of_the_run() -> None:
    spec = spec_from_file_location("crash_figures", ROOT / "scripts" / "crash_figures.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    text = (ROOT / "docs" / "reliability.md").read_text()
    assert script.page(text) == text
