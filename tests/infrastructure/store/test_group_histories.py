"""Group commit, whatever happens in whatever order."""

import asyncio
from collections import defaultdict

from eventsourcing.persistence import StoredEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from turnlog.domain import VersionConflict

from .wire import Append, Wire, until, wired

Moves = list[str]
STREAMS = "abcdefghijklmnopqrstuvwxyzàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ"
MOVES = st.lists(
    st.one_of(
        st.text(STREAMS, min_size=1, max_size=40),
        st.sampled_from(["GO ON", "ANSWER", "ANSWER", "BREAK", "MEND", "CUT", "CONNECT"]),
    ),
    max_size=40,
)
"""Appends to the streams of these letters, or what else happens."""


def numbered(stream: str, number: int) -> Append:
    return Append([StoredEvent(stream, number, "t", b"")], {stream: number - 1})


async def happen(wire: Wire, move: str) -> None:
    """What is no append."""
    match move:
        case "ANSWER" if wire.under_way:
            answered = wire.answered
            wire.answer()
            await until(lambda: wire.answered > answered)
        case "BREAK" | "MEND":
            wire.breaks = move == "BREAK"
        case "CUT" | "CONNECT":
            wire.connected = move == "CONNECT"
        case _:
            await asyncio.sleep(0)


@settings(max_examples=200)
@given(MOVES)
def test_every_append_has_one_outcome_and_those_to_a_stream_are_written_in_their_order(moves: Moves) -> None:
    asked: defaultdict[str, list[Append]] = defaultdict(list)

    async def play() -> None:
        with wired() as (wire, group):
            tasks: list[asyncio.Task[object]] = []
            for move in moves:
                if move.islower():
                    for stream in move:
                        asked[stream].append(numbered(stream, len(asked[stream]) + 1))
                        tasks.append(asyncio.create_task(group.append(asked[stream][-1])))
                else:
                    await happen(wire, move)
            while not all(task.done() for task in tasks):
                await happen(wire, "ANSWER")
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(outcome, list | VersionConflict) for outcome in outcomes)
            assert not wire.muddled
            for stream, appends in asked.items():
                assert [one for one in wire.written if stream in one.expected] == appends

    asyncio.run(play())
