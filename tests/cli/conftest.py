"""A terminal in an empty directory."""

from pathlib import Path

import pytest

from .terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal in an empty directory, where TURNLOG_… variables are not set, and no editor is."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "TURNLOG_MODEL",
        "TURNLOG_DATABASE_URL",
        "TURNLOG_TRACEBACK",
        "VISUAL",
        "EDITOR",
        "PAGER",
        "TURNLOG_PAGER",
    ):
        monkeypatch.delenv(name, raising=False)
    return Terminal(tmp_path, capsys)
