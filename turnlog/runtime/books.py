"""Rule books as they stand: each is read on from where it was read last, for every decision asks again."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from turnlog.domain import GLOBAL_BOOK, EventLog, Recorded, Rule, RuleBook, evolve_book, process_book, project_book

_MOST_BOOKS = 256

BOOKS_OF_PROJECTS = project_book("")
"""What the streams of projects' rule books begin with."""


class Books:
    """The rule books of a log. A cache that never answers without looking at the log."""

    def __init__(self, log: EventLog, process: str) -> None:
        self._log = log
        self._process = process_book(process)
        self._known: OrderedDict[str, RuleBook] = OrderedDict()

    async def read(self, stream: str) -> RuleBook:
        """A rule book as it stands now. Raises StoreError, CorruptRecord."""
        known = self._known.get(stream, RuleBook())
        book = folded(known, await self._log.read(stream, after=known.version))
        if book.version >= self._known.get(stream, RuleBook()).version:
            self._known[stream] = book
            self._known.move_to_end(stream)
        if len(self._known) > _MOST_BOOKS:
            self._known.popitem(last=False)
        return book

    async def speaking(self, project: str | None) -> tuple[Rule, ...]:
        """The rules of the books that speak for a project's sessions here. Raises StoreError, CorruptRecord."""
        streams = [self._process, GLOBAL_BOOK]
        if project is not None:
            streams.insert(1, project_book(project))
        books = await asyncio.gather(*map(self.read, streams))
        return tuple(rule for book in books for rule in book.rules)


def folded(book: RuleBook, records: Sequence[Recorded]) -> RuleBook:
    """A rule book after further events of its stream."""
    for record in records:
        book = evolve_book(book, record.event)
    return book
