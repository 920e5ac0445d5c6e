"""Thirty known secrets, in everything a tool may say or touch: none of them is in the log, a blob, or what is shown."""

import asyncio
import base64
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from turnlog import Turnlog
from turnlog.cli.errors import run
from turnlog.domain import (
    AnyCall,
    Bounds,
    Event,
    PermissionRule,
    Policy,
    Recorded,
    Surroundings,
    Tool,
    ToolCallFinished,
    ToolContext,
    ToolImage,
    ToolOutput,
    ToolProgress,
)
from turnlog.runtime import LiveProgress, PermissionDecision, PermissionRequest, SessionHandle, allow

from .world import ScriptedModel, asks, tool

SHAPES = (
    "canary{0:02}Alnum7Q",
    "canary/{0:02}+with=signs&more%",
    'canary "{0:02}" quoted\\and ünïcode',
    "canary-{0:02}-line\nand-{0:02}-another-canary\n",
    "canary{0:02}." + "long" * 40,
    "  canary {0:02} in blanks  ",
)
CANARIES = {f"CANARY_{number:02}": SHAPES[number % len(SHAPES)].format(number) for number in range(30)}
ALL = "\n".join(CANARIES.values())
NAMED = PermissionRule(tool="previews", effect="prompt", matcher=AnyCall())
POLICY = Policy(
    otherwise="allow", rules=(NAMED,), most_denials=0, bounds=Bounds(commands=True, secrets=tuple(CANARIES))
)
PRINTS = "import os, sys; print(*os.environ.values()); print(os.environ, file=sys.stderr)"


def forms(value: str) -> Iterator[str]:
    """A secret as it must not be anywhere."""
    yield from value.strip().splitlines()
    yield quote(value.strip(), safe="")
    yield json.dumps(value.strip())[1:-1]
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + value.strip().encode())[4:-4].decode()


def found_in(data: str | bytes) -> list[str]:
    """The names of the secrets that are in something."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return [name for name, value in CANARIES.items() if any(form in text for form in forms(value))]


@tool(effect="pure")
def returns() -> dict[str, object]:
    """Return them."""
    encoded = [
        base64.b64encode(b"x" * shift + value.encode()).decode() for value in CANARIES.values() for shift in (0, 1, 2)
    ]
    return {
        "plain": CANARIES,
        ALL: encoded,
        "urls": [f"https://x.org/?q={quote(value)}" for value in CANARIES.values()],
    }


@tool(effect="pure")
def fails() -> str:
    """Fail with them."""
    raise RuntimeError(f"no answer from {ALL!r}") from KeyError(ALL)


@tool(effect="pure")
def details() -> ToolOutput:
    """Tell the host."""
    image = ToolImage(b"\x89PNG\r\n\x1a\n" + ALL.encode(), "image/png")
    return ToolOutput(("look", image, *CANARIES.values()), details={ALL: [{"deep": ALL}]})


@tool(effect="pure")
async def progress(context: ToolContext) -> str:
    """Show them, a character a piece."""
    for character in ALL:
        context.progress(ToolProgress(character, "stdout"))
    return "shown"


@tool(effect="pure")
def pages() -> str:
    """Write more than fits on a page, with the secrets across its end."""
    return "x" * (50 * 1024 - len(ALL) // 2) + ALL + "y" * (64 * 1024)


@tool(effect="pure", secrets=list(CANARIES))
def passes(context: ToolContext) -> str:
    """Pass them to a program that fails, as its arguments."""
    raise OSError(f"could not start {['program', *map(context.secret, CANARIES)]}")


def _environment(*_: object) -> Surroundings:
    return Surroundings(env=CANARIES)


@tool(effect="pure", surroundings=_environment)
def surrounded() -> str:
    """Have them in the environment."""
    return "ran"


def _broken(*_: object) -> Surroundings:
    raise OSError(ALL)


@tool(effect="pure", surroundings=_broken)
def unreadable() -> str:
    """Never runs."""
    return ""


@tool(preview=lambda arguments: ALL)
def previews() -> str:
    """Show them to whoever is asked."""
    return "ran"


@tool(name="previews_badly", preview=lambda arguments: str(CANARIES[ALL]))
def previews_badly() -> str:
    """Fail to."""
    return "ran"


OWN = (returns, fails, details, progress, pages, passes, surrounded, unreadable, previews, previews_badly)
CALLS = asks(
    *(each.spec.name for each in OWN),
    ("read_file", {"path": "leaked.txt"}),
    ("search_files", {"pattern": "canary"}),
    ("shell", {"argv": [sys.executable, "-c", PRINTS]}),
    ("shell", {"argv": ["base64", "leaked.txt"]}),
)


async def yes(request: PermissionRequest) -> PermissionDecision:
    assert found_in(request.display) == []
    return allow()


@pytest.fixture
async def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Turnlog]:
    """A log that knows the secrets, in a directory with a file of them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaked.txt").write_text(ALL)
    (tmp_path / ".turnlog").mkdir()
    async with Turnlog.open("sqlite:///.turnlog/turnlog.db", secrets=CANARIES) as opened:
        yield opened


async def shown(session: SessionHandle) -> list[str]:
    """What a reader is shown while it runs, up to the end of the last call."""
    pieces: list[str] = []
    ended = 0
    async for item in session.subscribe():
        if isinstance(item, LiveProgress):
            pieces.append(item.progress.text)
        ended += isinstance(item, Recorded) and type(item.event).__name__ in ("ToolCallFinished", "ToolCallDenied")
        if ended == len(CALLS.calls):
            break
    return pieces


async def turn(log: Turnlog) -> tuple[SessionHandle, ScriptedModel, str]:
    """A turn with all of it: the session, its model, and what was shown meanwhile."""
    model = ScriptedModel([CALLS, "Done."])
    tools: list[str | Tool] = [*OWN, "read_file", "search_files", "shell"]
    session = await log.create_session("s", model=model, tools=tools, policy=POLICY, workspace=".")
    reading = asyncio.create_task(shown(session))
    await asyncio.sleep(0)
    await session.append_turn("Go.", approvals=yes)
    return session, model, "".join(await reading)


async def test_none_of_them_is_in_the_log_in_a_blob_or_in_what_is_shown(
    log: Turnlog, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    session, model, while_it_ran = await turn(log)
    events: list[Event] = [record.event for record in (await log.show(session.id)).history]
    assert found_in("\n".join(event.model_dump_json() for event in events)) == []
    assert found_in(model.requests[-1].model_dump_json()) == []
    assert found_in(while_it_ran) == []
    assert "[secret CANARY_00]" in while_it_ran
    capfd.readouterr()
    for words in (["log", session.id, "--json"], ["show", session.id, "--json"], ["show", session.id]):
        assert await asyncio.to_thread(run, [*words, "--database", "sqlite:///.turnlog/turnlog.db"]) == 0
    said = capfd.readouterr()
    assert "[secret CANARY_00]" in said.out
    assert found_in(said.out + said.err) == []
    await log.close()
    assert found_in(b"".join(everything_in(tmp_path / ".turnlog" / "turnlog.db"))) == []


async def test_each_of_them_was_there_to_be_taken_out(log: Turnlog) -> None:
    session, _, _ = await turn(log)
    events = [record.event for record in (await log.show(session.id)).history]
    finished = [event for event in events if isinstance(event, ToolCallFinished)]
    complete = [each for each in finished if {found.secret for found in each.redactions or ()} == set(CANARIES)]
    assert len(complete) == 9


def everything_in(file: Path) -> Iterator[bytes]:
    """Every value of every row of every table, and the file itself."""
    yield file.read_bytes()
    with closing(sqlite3.connect(file)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f'SELECT * FROM "{table}"'):
                yield from (value if isinstance(value, bytes) else str(value).encode() for value in row)
