"""All streams and bodies of a log, on all cores."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from .database import Damaged, Read, Source
from .rows import Finding, Head, Row, check_blob, check_stream

FEW = 20_000
"""So many rows are read sooner than other processes have started."""

NUMBERED = "SELECT originator_id, ntile(64) OVER (ORDER BY originator_id) AS n FROM events WHERE originator_version = 1"
STARTS = f"SELECT min(originator_id) FROM ({NUMBERED}) AS numbered GROUP BY n ORDER BY 1"
BLOBS = "SELECT sha256, size, body FROM blobs AS i WHERE {where}"
CHAIN_AT = "SELECT chain FROM events WHERE originator_id = ? AND originator_version = ?"
STREAMS = "SELECT DISTINCT originator_id FROM events WHERE originator_id >= ? AND originator_id < ? ORDER BY 1 LIMIT ?"

Progress = Callable[[int, int], None]
"""Is told how many rows are done, and how many there are, or 0 where only some streams are read."""


class Job(NamedTuple):
    """What one process does at a time: the rows with low <= key < high, or, where both are one, key = low."""

    source: Source
    what: Literal["events", "blobs", "positions"]
    low: str | None = None
    high: str | None = None


@dataclass(slots=True)
class Report:
    """What was read, the first thing wrong with each stream, and the heads of those with which nothing is."""

    events: int = 0
    streams: int = 0
    blobs: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    heads: list[Head] = field(default_factory=list[Head])
    last: tuple[str | None, int | None] = (None, None)


def find_streams(source: Source, prefix: str, limit: int = 10) -> list[str]:
    """Names of streams that begin with a prefix, or the one whose name it is. Raises CannotVerify."""
    prefix = prefix.encode(errors="backslashreplace").decode()
    with source.open() as read:
        found = [row[0] for row in read(STREAMS, prefix, prefix + "\U0010ffff", limit)]
    return [prefix] if prefix in found else found


def verify(
    source: Source,
    streams: Sequence[str] | None = None,
    *,
    expected: Sequence[Head] = (),
    processes: int | None = None,
    progress: Progress = lambda _done, _rows: None,
) -> Report:
    """Check these streams, or all of them and all bodies. Raises CannotVerify.

    A script that calls this needs the `if __name__ == "__main__"` of `multiprocessing`.
    """
    whole = Report()
    with source.open() as read:
        ((events, blobs),) = read(source.counts) if streams is None else [(0, 0)]
        few = events + blobs < FEW
        jobs = _jobs(source, read, few) if streams is None else [Job(source, "events", name, name) for name in streams]
        progress(0, events + blobs)
        for part in _parts(jobs, 1 if few else min(len(jobs), processes or os.cpu_count() or 1)):
            _add(whole, part)
            progress(whole.events + whole.blobs, events + blobs)
        if streams is None and whole.events < events:
            lost = f"{events - whole.events} events are in no stream, or the index that orders them is damaged"
            whole.findings.append(Finding("lost", lost))
        whole.findings += _unmet(read, [head for head in expected if streams is None or head.stream in streams])
    whole.findings = _first(whole.findings)
    whole.heads.sort()
    return whole


def _jobs(source: Source, read: Read, few: bool) -> list[Job]:
    starts = [] if few else [row[0] for row in read(STARTS)][1:]
    jobs = [Job(source, "positions")]
    jobs += [Job(source, "events", low, high) for low, high in pairwise([None, *starts, None])]
    return jobs + [Job(source, "blobs", low, high) for low, high in pairwise([None, *("" if few else "48c"), None])]


def _parts(jobs: Sequence[Job], processes: int) -> Iterator[Report]:
    if processes <= 1:
        yield from map(work, jobs)
        return
    # Spawned: a fork would share connections, and locks that other threads hold. Ctrl-C reaches every process at a
    # terminal; that one of them reports it is enough.
    from concurrent.futures import ProcessPoolExecutor, as_completed  # they bring much, and few programs verify
    from multiprocessing import get_context

    with ProcessPoolExecutor(processes, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_DFL)) as pool:
        try:
            for done in as_completed([pool.submit(work, job) for job in jobs]):
                yield done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def work(job: Job) -> Report:
    """Do a job, in whatever process. Raises CannotVerify."""
    part = Report()
    with job.source.open() as read:
        try:
            _work(job, read, part)
        except Damaged as error:
            part.findings.append(Finding("unreadable", f"the database is damaged after this: {error}", *part.last))
    return part


def _work(job: Job, read: Read, part: Report) -> None:
    if job.what == "positions":
        part.findings += [Finding("order", why, stream, at) for stream, at, why in read(job.source.misplaced)]
    elif job.what == "events":
        _check_streams(_rows(read, job, job.source.events, "i.originator_id", 500), part)
    else:
        for sha256, size, body in _rows(read, job, BLOBS, "i.sha256", 8):
            part.blobs += 1
            part.findings += check_blob(_text(sha256), size, body)


def _rows(read: Read, job: Job, statement: str, key: str, batch: int) -> Iterator[tuple[Any, ...]]:
    one = job.low is not None and job.low == job.high
    limits = (("=", job.low),) if one else ((">=", job.low), ("<", job.high))
    given = [(f"{key} {relation} ?", limit) for relation, limit in limits if limit is not None]
    where = " AND ".join(condition for condition, _ in given) or "1 = 1"
    return read(statement.format(where=where), *(limit for _, limit in given), batch=batch)


def _check_streams(rows: Iterator[tuple[Any, ...]], part: Report) -> None:
    def counted() -> Iterator[Row]:
        for row in map(Row._make, rows):
            part.events += 1
            part.last = row.stream, row.version
            yield row

    for stream, events in groupby(counted(), attrgetter("stream")):
        part.streams += 1
        found = check_stream(stream, events)
        if isinstance(found, Finding):
            part.findings.append(found)
        else:
            part.heads.append(found)


def _unmet(read: Read, expected: Iterable[Head]) -> Iterator[Finding]:
    for head in expected:
        found = [row[0] for row in read(CHAIN_AT, head.stream, head.version)]
        if found != [head.chain]:
            what = "is another now" if found else "is gone"
            yield Finding("head", f"the event that was noted {what}", head.stream, head.version)


def _add(whole: Report, part: Report) -> None:
    for name in ("events", "streams", "blobs", "findings", "heads"):
        setattr(whole, name, getattr(whole, name) + getattr(part, name))


def _first(findings: Iterable[Finding]) -> list[Finding]:
    """Of each stream the finding with the lowest version; of bodies and the database all."""
    first: dict[object, Finding] = {}
    plain = [each._replace(stream=_text(each.stream), version=_number(each.version)) for each in findings]
    for finding in sorted(plain, key=lambda each: (each.stream or "", each.version or 0)):
        first.setdefault(finding.stream or finding, finding)
    return list(first.values())


def _text(name: object) -> str | None:
    """A name as it can be written; SQLite keeps anything in any column."""
    return name if name is None or isinstance(name, str) else repr(name)


def _number(version: object) -> int | None:
    return version if isinstance(version, int) else None
