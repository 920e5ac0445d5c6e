"""Files that no turnlog wrote: each is refused with the line and the reason, and the log is as it was."""

import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from turnlog import Turnlog
from turnlog.domain import InvalidInput, TurnlogError, VerificationFailed
from turnlog.infrastructure import store, verification
from turnlog.runtime.exchange.reading_exports import examine

from .exported import LONG, exported, lines, taken_in, told, written

Parts = list[dict[str, Any]]


@pytest.fixture
async def parts() -> Parts:
    """The lines of a session's export."""
    async with Turnlog.open("memory:") as log:
        return lines(await exported(log, (await told(log)).id))


@pytest.fixture
async def fork() -> Parts:
    """The lines of a fork's export, its parent's among them."""
    async with Turnlog.open("memory:") as log:
        parent = await told(log)
        return lines(await exported(log, (await log.fork(parent.id, 9)).id))


def events(parts: Parts) -> Parts:
    return [part for part in parts if part["kind"] == "event"]


def sealed(parts: Parts) -> Parts:
    """The lines with every chain value and the last line computed again, as a forger can."""
    heads: dict[str, tuple[int, bytes]] = {}
    for part in events(parts):
        _, before = heads.get(part["stream"], (0, verification.chain.GENESIS))
        row = verification.chain.leaf(part["stream"], part["version"], part["topic"], part["state"].encode())
        heads[part["stream"]] = (part["version"], verification.chain.link(before, row))
        part["chain"] = heads[part["stream"]][1].hex()
    parts[-1]["events"] = len(events(parts))
    parts[-1]["blobs"] = sum(part["kind"] == "blob" for part in parts)
    parts[-1]["heads"] = [{"stream": s, "version": v, "chain": chain.hex()} for s, (v, chain) in heads.items()]
    return parts


def reworded(part: dict[str, Any], **fields: Any) -> None:
    """Give an event other fields."""
    part["state"] = json.dumps(json.loads(part["state"]) | fields)


async def refusal(parts: Parts | bytes, error: type[TurnlogError] = InvalidInput) -> str:
    """Why a file is refused, once it is certain that nothing of it is here."""
    data = parts if isinstance(parts, bytes) else written(parts)
    async with Turnlog.open("memory:") as log:
        with pytest.raises(error) as raised:
            await taken_in(log, data)
        assert await log.list_sessions() == []
    assert type(raised.value) is error
    assert "nothing was imported" in raised.value.message
    return raised.value.message


async def test_what_a_forger_seals_again_is_a_file_like_any_other(parts: Parts) -> None:
    async with Turnlog.open("memory:") as log:
        await taken_in(log, written(sealed(parts)))
        assert [found.id for found in await log.list_sessions()] == [parts[0]["session"]]


async def test_a_changed_event_is_named(parts: Parts) -> None:
    reworded(events(parts)[2], at="2020-01-01T00:00:00Z")
    assert "version 3: the event, or its chain value" in await refusal(parts, VerificationFailed)


async def test_a_changed_actor_is_found(parts: Parts) -> None:
    reworded(events(parts)[0], actor={"kind": "user", "id": "mallory"})
    assert "version 1:" in await refusal(parts, VerificationFailed)


async def test_a_changed_body_is_found(parts: Parts) -> None:
    blob = next(part for part in parts if part.get("text") == LONG)
    blob["text"] += "."
    assert blob["sha256"] in await refusal(parts, VerificationFailed)


async def test_an_event_that_is_gone_leaves_a_gap(parts: Parts) -> None:
    parts.remove(events(parts)[4])
    assert "version 5 should be next, and version 6 is" in await refusal(parts)


async def test_an_event_that_is_there_twice_is_refused(parts: Parts) -> None:
    parts.insert(parts.index(events(parts)[4]), events(parts)[4])
    assert "version 6 should be next, and version 5 is" in await refusal(parts)


async def test_events_in_another_order_are_refused(parts: Parts) -> None:
    place = parts.index(events(parts)[0])
    parts[place], parts[place + 1] = parts[place + 1], parts[place]
    assert "lines are missing, doubled or in another order" in await refusal(parts)


async def test_a_file_that_was_cut_off_says_so(parts: Parts) -> None:
    assert "cut off" in await refusal(parts[:-1])


async def test_a_last_line_of_another_file_is_refused(parts: Parts) -> None:
    parts[-1]["events"] += 1
    assert "the last line tells of other lines" in await refusal(parts, VerificationFailed)


async def test_two_files_in_one_are_refused(parts: Parts) -> None:
    assert "after its last line" in await refusal(parts + parts)


async def test_an_empty_file_is_no_export() -> None:
    assert "empty" in await refusal(b"")


@pytest.mark.parametrize("data", [b"\n", b"hello\n", b"{}\n", b"\xff\xfe\n", b"[" * 100_000, b'{"kind":"event"}\n'])
async def test_another_file_is_no_export(data: bytes) -> None:
    assert "no export of turnlog" in await refusal(data)


async def test_a_newer_format_is_said_to_be_newer(parts: Parts) -> None:
    parts[0]["version"] = 2
    assert "version 2 of the format" in await refusal(parts)


async def test_an_event_of_a_newer_turnlog_is_refused_unread(parts: Parts) -> None:
    events(parts)[3]["topic"] = "SessionDreamt/1"
    message = await refusal(sealed(parts))
    assert "SessionDreamt/1" in message
    assert "update this one" in message


async def test_an_event_with_fields_of_a_newer_turnlog_is_refused(parts: Parts) -> None:
    reworded(events(parts)[0], mood="good")
    message = await refusal(sealed(parts))
    assert "fields that this turnlog does not know" in message
    assert message.startswith("line 2: ")


async def test_an_event_that_is_none_is_refused(parts: Parts) -> None:
    events(parts)[0]["state"] = '{"at": 7}'
    assert "no readable SessionStarted/1" in await refusal(sealed(parts))


async def test_a_session_that_begins_in_the_middle_is_refused(parts: Parts) -> None:
    first, *others = events(parts)
    parts.remove(first)
    for part in others:
        part["version"] -= 1
    parts[0]["at"] -= 1
    assert "does not begin as a session does" in await refusal(sealed(parts))


async def test_a_session_that_begins_twice_is_refused(parts: Parts) -> None:
    events(parts)[4] |= {key: events(parts)[0][key] for key in ("topic", "state")}
    assert "begins again at version 5" in await refusal(sealed(parts))


async def test_a_fork_without_its_parent_is_refused(fork: Parts) -> None:
    parent = events(fork)[0]["stream"]
    alone = [part for part in fork if part.get("stream") != parent]
    assert f"should hold {parent} up to version 9" in await refusal(sealed(alone))


async def test_a_fork_of_itself_is_refused(fork: Parts) -> None:
    own = events(fork)[-1]["stream"]
    alone = [part for part in fork if part.get("stream", own) == own]
    reworded(events(alone)[0], parent=own, parent_version=events(alone)[-1]["version"])
    assert f"should hold {own}" in await refusal(sealed([part for part in alone if part["kind"] != "blob"]))


async def test_a_stranger_in_the_file_is_refused(parts: Parts) -> None:
    stranger = {**events(parts)[0], "stream": "stranger"}
    parts.insert(1, stranger)
    assert "stranger, from which the session does not come" in await refusal(sealed(parts))


async def test_a_rule_book_holds_nothing_but_rules(parts: Parts) -> None:
    parts.insert(1, {**events(parts)[0], "stream": "rules.global"})
    assert "no place in the rule book" in await refusal(sealed(parts))


async def test_a_body_that_is_not_in_the_file_is_missed(parts: Parts) -> None:
    kept = [part for part in parts if part.get("text") != LONG]
    assert hashlib.sha256(LONG.encode()).hexdigest() in await refusal(sealed(kept))


async def test_a_body_nobody_speaks_of_is_refused(parts: Parts) -> None:
    parts.insert(1, {"kind": "blob", "sha256": hashlib.sha256(b"?").hexdigest(), "text": "?"})
    assert "of which no event speaks" in await refusal(sealed(parts))


async def test_a_body_that_is_there_twice_is_refused(parts: Parts) -> None:
    parts.insert(1, next(part for part in parts if part["kind"] == "blob"))
    assert "is there twice" in await refusal(sealed(parts))


def both(blob: dict[str, Any]) -> None:
    blob["base64"] = ""


def neither(blob: dict[str, Any]) -> None:
    del blob["text"]


def no_base64(blob: dict[str, Any]) -> None:
    del blob["text"]
    blob["base64"] = "(((("


@pytest.mark.parametrize("change", [both, neither, no_base64])
async def test_a_body_is_text_or_base64(parts: Parts, change: Callable[[dict[str, Any]], None]) -> None:
    change(next(part for part in parts if part["kind"] == "blob"))
    assert "bod" in await refusal(parts)


@pytest.mark.parametrize("stream", ["", "\0", "\ud800", "a b", "a@3", "a..b", "\x1b[2J", "x" * 201])
async def test_a_session_that_nobody_could_name_is_refused(parts: Parts, stream: str) -> None:
    for part in [parts[0], *events(parts)]:
        part["session" if part["kind"] == "header" else "stream"] = stream
    async with Turnlog.open("memory:") as log:
        with pytest.raises(TurnlogError):
            await taken_in(log, written(parts if stream == "\ud800" else sealed(parts)))
        assert await log.list_sessions() == []


async def test_a_line_of_any_length_is_not_read_to_its_end() -> None:
    endless = Endless()
    async with store.open_store("memory:") as opened:
        with pytest.raises(InvalidInput, match="line 1: it is longer than 1000 bytes"):
            examine(endless, opened.archive, 1_000)
    assert endless.taken <= 2_000


class Endless(io.BytesIO):
    """A file whose first line does not end."""

    taken = 0

    def readline(self, limit: int | None = -1, /) -> bytes:
        assert limit is not None
        self.taken += limit
        return b"x" * limit
