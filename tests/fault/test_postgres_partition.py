"""A process that is cut off from its Postgres: told in time, nothing lost or doubled, back without help."""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest

from turnlog.infrastructure import store

from ..contract.events import change
from ..postgres_server import LOOPBACK, PostgresServer, running_server
from . import far_writer
from .far_network import Cable, Far, Told, cable, far_writer_on, select

pytestmark = pytest.mark.fault

DEADLINE = 2.0
SLACK = 1.0
NOTICED, LOOK = 15.0, 0.2
CUTS: dict[str, tuple[Callable[[Far], None], Callable[[Far], None]]] = {
    "silence": (Far.lose_everything, Far.lose_no_more),
    "unplugged": (Far.unplug, Far.plug_in_again),
}


@dataclass(frozen=True, slots=True)
class Story:
    """What was told, and the position, stream, version and title of every event that is stored in the end."""

    told: list[Told]
    stored: list[tuple[int, str, int, str]]
    held: int
    """Connections that the server has not let go of after the process is gone."""

    def between(self, first: str, last: str) -> list[Told]:
        """What was told between two outcomes of which there is one each."""
        outcomes = [one["outcome"] for one in self.told]
        return self.told[outcomes.index(first) : outcomes.index(last)]


async def cut_off(server: PostgresServer, cable: Cable, kind: str, times: int) -> Story:
    """Let a writer write, cut it off in the middle until it said so twice, and let it write again."""
    cut, heal = CUTS[kind]
    async with far_writer_on(cable) as far, store.open_store(server.url) as near:
        await far.send(f"{server.url.replace(LOOPBACK, cable.our_address)}?deadline={DEADLINE}")
        await far.until(lambda told: len(select(told, "written")) >= 20 and len(select(told, "seen")) > 0)
        for number in range(times):
            far.note("cut")
            cut(far)
            await far.until_told("refused", far_writer.STREAMS + 1)
            await near.log.append(change("near", number, "x"))
            heal(far)
            far.note("healed")
            # A reader that never gets through for a minute gives up.
            await far.until(lambda told: len(select(told, "written")) >= 20 and len(select(told, "seen")) > 0)
        await far.send("stop")
        await far.until_told("stopped")
        stored = read(server.url)
        await far.until(lambda _: len(select(far.told, "seen")) >= len(stored))
    return Story(far.told, stored, await held_for(server.url, cable.their_address))


async def held_for(url: str, address: str) -> int:
    """The connections the server holds for an address where nobody is, after the time in which it should notice."""
    held = 0
    for _ in range(round(NOTICED / LOOK)):
        with psycopg.connect(url) as connection:
            query = "SELECT count(*)::int FROM pg_stat_activity WHERE client_addr = %s::inet"
            (held,) = connection.execute(query, (address,)).fetchone() or (0,)
        if not held:
            return 0
        await asyncio.sleep(LOOK)
    return held


def read(url: str) -> list[tuple[int, str, int, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT notification_id, originator_id, originator_version, convert_from(state, 'UTF8')::json ->> 'title'"
            " FROM turnlog.events ORDER BY 1"
        ).fetchall()


@contextmanager
def server_beside(cable: Cable) -> Generator[PostgresServer]:
    with running_server(also_at=cable.our_address) as server:
        store.migrate(server.url)
        yield server


@pytest.fixture(scope="module", params=list(CUTS))
def story(request: pytest.FixtureRequest) -> Story:
    """One cut of each kind; the tests look at it from every side."""
    with cable() as laid, server_beside(laid) as server:
        return asyncio.run(cut_off(server, laid, request.param, 1))


def test_an_append_that_is_cut_off_is_refused_within_its_deadline(story: Story) -> None:
    refused = select(story.between("cut", "healed"), "refused")
    assert {one["code"] for one in refused} == {"store"}
    assert max(one["seconds"] for one in refused) < DEADLINE + SLACK


def test_a_read_that_is_cut_off_is_refused_within_its_deadline(story: Story) -> None:
    unread = select(story.between("cut", "healed"), "unread")
    assert {one["code"] for one in unread} == {"store"}
    assert max(one["seconds"] for one in unread) < DEADLINE + SLACK


def test_the_outcome_is_unknown_of_what_was_under_way_and_not_of_what_was_never_sent(story: Story) -> None:
    first, *_, last = [one["said"] for one in select(story.between("cut", "healed"), "refused")]
    assert "outcome is unknown" in first
    assert "outcome is unknown" not in last


def test_those_who_are_not_cut_off_go_on(story: Story) -> None:
    assert "near" in {stream for _, stream, _, _ in story.stored}


def test_it_goes_on_without_help(story: Story) -> None:
    assert len(select(story.between("healed", "stopped"), "written")) >= 20


def test_the_server_lets_go_of_connections_that_were_cut_off(story: Story) -> None:
    assert story.held == 0


def test_nothing_acknowledged_is_lost(story: Story) -> None:
    assert_kept(story)


def test_nothing_is_written_twice(story: Story) -> None:
    assert_once(story)


def test_a_follower_sees_everything_once_and_in_order(story: Story) -> None:
    assert_followed(story)


@pytest.mark.soak
@pytest.mark.parametrize("kind", list(CUTS))
def test_many_cuts_lose_and_double_nothing(kind: str) -> None:
    with cable() as laid, server_beside(laid) as server:
        story = asyncio.run(cut_off(server, laid, kind, 30))
    assert_kept(story)
    assert_once(story)
    assert_followed(story)


def assert_kept(story: Story) -> None:
    acknowledged = {(one["stream"], one["version"], one["title"]) for one in select(story.told, "written")}
    assert acknowledged - {row[1:] for row in story.stored} == set()


def assert_once(story: Story) -> None:
    times = Counter(title for _, stream, _, title in story.stored if stream != "near")
    assert [title for title in times if times[title] > 1] == []


def assert_followed(story: Story) -> None:
    seen = [(one["position"], one["stream"], one["version"]) for one in select(story.told, "seen")]
    assert seen == [row[:3] for row in story.stored]
