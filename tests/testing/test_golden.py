"""A recorded session is a test: exported, folded again elsewhere, and compared with what it came to."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from turnlog import ScriptedCall, ScriptedModel, ScriptedReply, Turnlog, allow, deny, tool
from turnlog.cli.app import app
from turnlog.runtime import PermissionDecision, PermissionRequest
from turnlog.testing import assert_golden, exported


@tool
async def send(to: str) -> str:
    """Send."""
    return f"sent to {to}"


async def only_ada(request: PermissionRequest) -> PermissionDecision:
    return allow() if "ada" in request.display else deny("not him")


@pytest.fixture
async def session(tmp_path: Path) -> str:
    """A session in which one call was allowed and one denied."""
    calls = tuple(ScriptedCall(name="send", arguments={"to": to}) for to in ("ada", "bo"))
    async with Turnlog.open(f"sqlite:///{tmp_path / 'log.db'}") as log:
        made = await log.create_session(
            "Letters", model=ScriptedModel([ScriptedReply(calls=calls), 'It\'s "done".']), tools=[send]
        )
        await made.append_turn("Write to both.", approvals=only_ada)
        return made.id


@pytest.fixture
def test_file(tmp_path: Path, session: str) -> Path:
    """What `turnlog export --pytest` made of it, in a directory of its own."""
    target = tmp_path / "elsewhere" / "test_letters.py"
    target.parent.mkdir()
    command = ["export", session, "--pytest", "-o", str(target), "--database", f"sqlite:///{tmp_path / 'log.db'}"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    return target


def run(file: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file.name]
    return subprocess.run(command, cwd=file.parent, capture_output=True, text=True, timeout=60)


def test_the_test_of_a_session_passes_in_an_empty_directory(test_file: Path) -> None:
    done = run(test_file)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_the_test_of_a_session_fails_where_the_log_comes_to_something_else(test_file: Path) -> None:
    test_file.write_text(test_file.read_text().replace("sent to ada", "sent to eve"))
    done = run(test_file)
    assert done.returncode == 1
    assert "2 passed" in done.stdout


def test_a_log_comes_to_its_verdicts(test_file: Path) -> None:
    found = exported(test_file.with_suffix(".jsonl"))
    assert [call.status for call in found.calls] == ["finished", "denied"]
    assert found.said == (("user", "Write to both."), ("assistant", 'It\'s "done".'))


def test_a_golden_log_is_written_when_asked_for_and_compared_from_then_on(
    test_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, golden = test_file.with_suffix(".jsonl"), tmp_path / "letters.json"
    with pytest.raises(AssertionError, match="is not there"):
        assert_golden(log, golden)
    monkeypatch.setenv("TURNLOG_UPDATE_GOLDEN", "1")
    assert_golden(log, golden)
    monkeypatch.delenv("TURNLOG_UPDATE_GOLDEN")
    assert_golden(log, golden)
    golden.write_text(golden.read_text().replace("sent to ada", "sent to eve"))
    with pytest.raises(AssertionError, match="sent to eve"):
        assert_golden(log, golden)
