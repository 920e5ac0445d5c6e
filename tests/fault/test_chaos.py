"""Turns run by workers in processes of their own while the world falls apart: each ends, and no effect is had twice."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from turnlog.infrastructure import store, verification

from ..postgres_server import LOOPBACK, Account, PostgresServer, running_server
from ..small_disk import SmallDisk, disk_in_use
from .chaos import ChaosReport, Scene, be_the_person, begin_sessions, look_back, scene, until_over
from .chaos_worker import LEASE
from .far_network import APART, Cable, Far, cable
from .figures import keep
from .postgres_restarts import Restarts

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="stops processes and finds them in /proc"),
]

MINUTES = float(os.environ.get("TURNLOG_TEST_CHAOS_MINUTES", "3"))
"""How long each kind of weather lasts under the soak marker."""

DEADLINE = "deadline=2"
Weather = Callable[[Scene], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Length:
    """How long it goes on, and how many sessions are begun meanwhile."""

    name: str
    seconds: float
    sessions: int


SHORT = Length("short", 3.0, 12)
LONG = Length("long", MINUTES * 60, round(MINUTES * 100))
lengths = pytest.mark.parametrize(
    "length", [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.soak)]
)


async def endure(scene: Scene, weather: Weather, length: Length) -> None:
    """Have sessions run in some weather, one spell at the least, and let them come to their ends in peace."""
    person = asyncio.create_task(be_the_person(scene))
    try:
        begun = asyncio.create_task(begin_sessions(scene, length.sessions, length.seconds))
        end = time.monotonic() + length.seconds
        await weather(scene)
        while time.monotonic() < end:
            await weather(scene)
        await begun
        await until_over(scene)
    finally:
        person.cancel()
        await asyncio.gather(person, return_exceptions=True)


def judge(report: ChaosReport, length: Length) -> None:
    """Nothing that must not be; and something was done to them."""
    report.seconds = length.seconds
    assert report.violations == []
    assert report.finished == report.sessions >= length.sessions
    if length is LONG:
        keep("chaos", f"{report.weather}-{report.store}".lower().replace(" ", "-"), report)


def source_of(url: str) -> verification.Source:
    if url.startswith("sqlite"):
        return verification.SQLiteFile(Path(url.removeprefix("sqlite:///")), "the file")
    return verification.PostgresSchema(url.partition("?")[0], "turnlog", "the server")


# Workers that die, are paused, or have clocks that jump


def ill_treat() -> Weather:
    """Kill a worker, and stop one for longer than its lease, turn by turn."""

    async def weather(scene: Scene) -> None:
        await asyncio.sleep(scene.chance.uniform(0.1, 0.4))
        await scene.kill(scene.chance.choice(scene.workers))
        await asyncio.sleep(scene.chance.uniform(0.1, 0.4))
        await scene.pause(scene.chance.choice(scene.workers), 1.5 * LEASE)

    return weather


@lengths
async def test_turns_survive_workers_that_die_or_are_paused_under_clocks_that_jump(
    url: str, tmp_path: Path, length: Length
) -> None:
    report = ChaosReport(store="SQLite" if url.startswith("sqlite") else "PostgreSQL", weather="workers and clocks")
    async with scene(url, tmp_path, report, days=(0, 2, 0, -2)) as made:
        for _ in range(2):
            await made.start_worker(url=url)
        await endure(made, ill_treat(), length)
        await look_back(made, source_of(url))
    assert report.kills > 0
    assert report.pauses > 0
    judge(report, length)


# Postgres restarted and stopped


@lengths
async def test_turns_survive_a_server_that_is_restarted_and_stopped(tmp_path: Path, length: Length) -> None:
    report = ChaosReport(store="PostgreSQL", weather="restarts")
    with running_server() as server:
        store.migrate(server.url)
        restarts = Restarts(server)

        async def weather(scene: Scene) -> None:
            for how in (signal.SIGINT, signal.SIGQUIT):
                await asyncio.sleep(scene.chance.uniform(0.5, 2.0 if length is SHORT else 10.0))
                down = scene.chance.uniform(0.0, 0.3 if length is SHORT else 3.0)
                await asyncio.to_thread(restarts.restart, how, down)
                await asyncio.to_thread(restarts.wait_until_it_answers)
                report.restarts += 1

        url = f"{server.url}?{DEADLINE}"
        try:
            async with scene(url, tmp_path, report) as made:
                for _ in range(2):
                    await made.start_worker(url=url)
                await endure(made, weather, length)
                await look_back(made, source_of(url))
        finally:
            restarts.close()
    assert report.restarts > 0
    judge(report, length)


# A worker that is cut off


def cut_off(far: Far) -> Weather:
    """Cut one worker off for longer than its lease, with and without its noticing."""

    async def weather(scene: Scene) -> None:
        for cut, heal in ((Far.lose_everything, Far.lose_no_more), (Far.unplug, Far.plug_in_again)):
            await asyncio.sleep(scene.chance.uniform(0.3, 1.0))
            cut(far)
            scene.report.partitions += 1
            await asyncio.sleep(scene.chance.uniform(0.5, 2.0) * LEASE)
            heal(far)

    return weather


@lengths
async def test_turns_survive_a_worker_that_is_cut_off(tmp_path: Path, length: Length) -> None:
    report = ChaosReport(store="PostgreSQL", weather="partitions")
    with cable() as laid, running_server(also_at=laid.our_address) as server:
        store.migrate(server.url)
        url = f"{server.url}?{DEADLINE}"
        async with scene(url, tmp_path, report) as made:
            await endure(made, cut_off(await far_worker(made, laid, server)), length)
            await look_back(made, source_of(url))
    assert report.partitions > 0
    judge(report, length)


async def far_worker(made: Scene, laid: Cable, server: PostgresServer) -> Far:
    """One worker here, and one at the other end of a cable, which is plugged in."""
    await made.start_worker(url=made.url)
    there = await made.start_worker(*APART)
    far = Far(there, laid)
    far.plug_in()
    await made.send_order(there, made.url.replace(LOOPBACK, laid.our_address))
    return far


# A disk that is full


@lengths
@pytest.mark.parametrize("name", ["SQLite", "PostgreSQL"])
async def test_turns_survive_a_disk_that_is_full(tmp_path: Path, length: Length, name: str) -> None:
    report = ChaosReport(store=name, weather="full disks")
    if name == "SQLite":
        with disk_in_use(tmp_path / "disk", 64) as disk:
            await on_a_small_disk(disk, f"sqlite:///{disk.path}/log.db", tmp_path, length, report)
    else:
        with running_server() as server, disk_in_use(Path(server.directory, "tables"), 64) as disk:
            Account.allowed().own(disk.path)
            with psycopg.connect(server.url, autocommit=True) as owner:
                owner.execute(f"CREATE TABLESPACE small LOCATION '{disk.path}'".encode())
                owner.execute("CREATE DATABASE small TABLESPACE small")
            url = f"{server.url.rpartition('/')[0]}/small"
            store.migrate(url)
            await on_a_small_disk(disk, f"{url}?{DEADLINE}", tmp_path, length, report)
    assert report.full_disks > 0
    judge(report, length)


async def on_a_small_disk(disk: SmallDisk, url: str, directory: Path, length: Length, report: ChaosReport) -> None:
    """Fill it up with something else, again and again."""

    async def weather(scene: Scene) -> None:
        await asyncio.sleep(scene.chance.uniform(0.3, 1.0))
        await asyncio.to_thread(fill, disk.path / "ballast")
        report.full_disks += 1
        await asyncio.sleep(scene.chance.uniform(0.5, 1.0) * LEASE)
        (disk.path / "ballast").unlink()

    async with scene(url, directory, report) as made:
        for _ in range(2):
            await made.start_worker(url=url)
        await endure(made, weather, length)
        await look_back(made, source_of(url))


def fill(ballast: Path) -> None:
    """Write until there is no room."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(64 * 1024))
        except OSError:
            return
