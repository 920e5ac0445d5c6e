"""A lead, two teammates, and a worker in a process of its own that runs them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from turnlog import Turnlog
from turnlog.domain import MessagesDelivered, TurnCompleted

DATABASE = "sqlite:///team.db"


def call(name: str, **arguments: str) -> dict[str, Any]:
    return {"calls": [{"name": f"team_{name}", "arguments": arguments}]}


def script(agent: str, *replies: Any) -> str:
    Path(f"{agent}.json").write_text(json.dumps({"replies": replies}), "utf-8")
    return f"scripted:{agent}.json"


def work() -> None:
    words = [sys.executable, "-m", "turnlog.cli", "worker", "--once", "--json", "--database", DATABASE]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr


async def test_a_worker_runs_a_team_that_another_process_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asks, says = call("send", to="bob", text="Is the clock yours?"), call("send", to="lead", text="I am bob.")
    async with Turnlog.open(DATABASE) as log:
        lead = await log.create_session("The lead", model=script("lead", "Fine."))
        await lead.team_spawn("ada", "Ask bob.", model=script("ada", asks, "Asked.", "Over."))
        await lead.team_spawn("bob", "Wait.", model=script("bob", says, "Told.", *["Hm."] * 4))
    work()
    async with Turnlog.open(DATABASE) as log:
        lead = await log.open_session(lead.id)
        assert [(mate.name, mate.status, mate.unread) for mate in await lead.list_teammates()] == [
            ("ada", "idle", 0),
            ("bob", "idle", 0),
        ]
        bob = (await lead.list_teammates())[1].session_id
        read = [record.event for record in (await log.show(bob)).history]
        assert sum(len(event.message_ids) for event in read if isinstance(event, MessagesDelivered)) == 1
        assert [message.text for message in await lead.team_inbox()] == ["I am bob."]
        await lead.team_shutdown("ada", "It is done.")
        turns = sum(isinstance(event, TurnCompleted) for event in read)
        await lead.team_send("bob", "Thank you.")
    work()
    async with Turnlog.open(DATABASE) as log:
        read = [record.event for record in (await log.show(bob)).history]
        assert sum(isinstance(event, TurnCompleted) for event in read) == turns + 1
        assert [mate.status for mate in await (await log.open_session(lead.id)).list_teammates()] == ["left", "idle"]
