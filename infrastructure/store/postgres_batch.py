"""What one commit on Postgres has to do: the arrays it sends, and what the answer means for each append."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

import psycopg
from eventsourcing.persistence import IntegrityError, StoredEvent
from psycopg import errors
from psycopg.rows import TupleRow

from turnlog.domain import VersionConflict

from .batches import Append, Outcome
from .postgres_arrays import Packed, blobs, integers, read_integers, read_texts, texts

COLLISIONS = 5
"""How often a batch may collide with another process before its appends go one at a time."""

Numbered = Sequence[tuple[int, Append]]
Stored = Mapping[tuple[str, int], tuple[int, str, bytes]]


@dataclass(slots=True)
class Work:
    """What one commit has still to do; each append has so many seconds since it was asked for."""

    left: dict[int, Append]
    seconds: float
    outcomes: dict[int, Outcome] = field(default_factory=dict[int, Outcome])
    collisions: int = 0
    alone: bool = False
    lost: TupleRow | None = None
    said: str = ""
    trouble: psycopg.Error | None = None

    @property
    def until(self) -> float:
        """When the first of what is left has to be answered."""
        return min((append.since for append in self.left.values()), default=0.0) + self.seconds

    def late(self) -> Numbered:
        """What has to be answered now."""
        asked = monotonic() - self.seconds
        return tuple((number, append) for number, append in self.left.items() if append.since <= asked)

    def next_batch(self) -> Numbered:
        """What to send now: sorted, so that two processes wait for each other in one direction only."""
        numbered = sorted(self.left.items(), key=lambda item: min(item[1].streams(), default=""))
        return numbered[:1] if self.alone else numbered

    def in_order(self) -> list[Outcome]:
        """The outcome of each append, all of which are decided."""
        return [self.outcomes[number] for number in range(len(self.outcomes))]

    def decide(self, number: int, outcome: Outcome) -> None:
        self.outcomes[number] = outcome
        del self.left[number]

    def decide_all(self, numbered: Numbered, outcome: Outcome) -> None:
        for number, _ in numbered:
            self.decide(number, outcome)


def parameters(batch: Numbered) -> tuple[Packed, ...]:
    """The arrays that `append` takes; the appends are numbered as they come."""
    ids: list[str] = []
    versions: list[int] = []
    topics: list[str | None] = []
    states: list[bytes | None] = []
    owners: list[int] = []
    follows: list[int | None] = []
    for owner, (_, append) in enumerate(batch):
        latest: dict[str, int] = {}
        for event in append.events:
            stream = str(event.originator_id)
            ids.append(stream)
            versions.append(event.originator_version)
            topics.append(event.topic)
            states.append(event.state)
            follows.append(-latest[stream] if stream in latest else append.expected.get(stream))
            latest[stream] = len(ids)
        for stream in append.expected.keys() - latest.keys():
            ids.append(stream)
            versions.append(0)
            topics.append(None)
            states.append(None)
            follows.append(append.expected[stream])
        owners += [owner] * (len(ids) - len(owners))
    return texts(ids), integers(versions), texts(topics), blobs(states), integers(owners), integers(follows)


def places(events: Sequence[StoredEvent]) -> tuple[Packed, ...]:
    return texts([str(event.originator_id) for event in events]), integers(
        [event.originator_version for event in events]
    )


def share_out(batch: Numbered, row: Sequence[bytes | None], work: Work) -> None:
    """Give each append its positions, or its conflict."""
    positions = read_integers(row[0])
    refused = dict(zip(read_integers(row[1]), read_texts(row[2]), strict=True))
    place = 0
    for owner, (number, append) in enumerate(batch):
        if owner in refused:
            stream = refused[owner]
            work.decide(number, VersionConflict(stream, append.expected[stream]))
        else:
            work.decide(number, positions[place : place + len(append.events)])
            place += len(append.events)


def collide(batch: Numbered, work: Work, error: psycopg.Error) -> None:
    """Somebody wrote the same version meanwhile. Next time the heads show it, and refuse who lost."""
    work.collisions += 1
    if len(batch) > 1:
        work.alone = work.alone or work.collisions >= COLLISIONS
        return
    ((number, append),) = batch
    if isinstance(error, errors.UniqueViolation) and (not append.expected or work.collisions > 2 * COLLISIONS):
        work.decide(number, IntegrityError(str(error)))


def found(append: Append, stored: Stored) -> Outcome | None:
    """What a look at the table says of an append: positions, a conflict, or None where nothing was written."""
    positions: list[int] = []
    for event in append.events:
        stream = str(event.originator_id)
        found = stored.get((stream, event.originator_version))
        if found is not None and found[1:] == (event.topic, event.state):
            positions.append(found[0])
        elif found is not None or positions:
            return VersionConflict(stream, append.expected.get(stream, event.originator_version - 1))
    return positions or None if len(positions) == len(append.events) else None
