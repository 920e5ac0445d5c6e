"""One peer's run: a long session turn by turn, or many sessions at once."""

import asyncio
from statistics import median
from time import perf_counter

import psycopg

from ..bytes_stored import stored_bytes
from ..content import MESSAGE_BYTES, MESSAGES_A_TURN
from ..figures import Sample
from ..server import Server
from .peer import OpenPeer, turns

EDGE = 10
"""Turns at the beginning and at the end whose medians are the first and the last turn."""

LOADS = 5
SESSIONS = 32
TURNS_AT_ONCE = 5


async def long_session(open_peer: OpenPeer, server: Server, count: int) -> Sample:
    """Latency of a turn, bytes stored, and the time to load the session, after a session that warms up."""
    with server.database() as url:
        async with open_peer(url) as peer:
            warming = await peer.session("warm-up")
            for number, said in enumerate(turns(3)):
                await warming.turn(number, said)
            await warming.load()
            before = _settled_bytes(url)
            session = await peer.session("session")
            times: list[float] = []
            for number, said in enumerate(turns(count)):
                begun = perf_counter()
                await session.turn(number, said)
                times.append((perf_counter() - begun) * 1000)
            stored = _settled_bytes(url) - before
            loads: list[float] = []
            for _ in range(LOADS):
                begun = perf_counter()
                messages = await session.load()
                loads.append((perf_counter() - begun) * 1000)
                assert messages == count * MESSAGES_A_TURN, messages
    edge = min(EDGE, count)
    return {
        "turn_ms": median(times),
        "first_ms": median(times[:edge]),
        "last_ms": median(times[-edge:]),
        "bytes_ratio": stored / (count * MESSAGES_A_TURN * MESSAGE_BYTES),
        "load_ms": min(loads),
    }


async def many_sessions(open_peer: OpenPeer, server: Server) -> Sample:
    """Messages a second over sessions that run at the same time."""
    with server.database() as url:
        async with open_peer(url) as peer:
            warming = await peer.session("warm-up")
            await warming.turn(0, turns(1)[0])
            sessions = [await peer.session(f"session-{number}") for number in range(SESSIONS)]

            async def talk(place: int) -> None:
                for number, said in enumerate(turns(TURNS_AT_ONCE, seed=place)):
                    await sessions[place].turn(number, said)

            begun = perf_counter()
            await asyncio.gather(*map(talk, range(SESSIONS)))
            seconds = perf_counter() - begun
    return {"items_per_s": SESSIONS * TURNS_AT_ONCE * MESSAGES_A_TURN / seconds}


def _settled_bytes(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    return stored_bytes(url)
