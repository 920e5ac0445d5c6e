"""Which sessions are listed, and in which order: the same question to the tables and to a list in memory."""

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from turnlog.domain import InvalidInput, Status, clean, tags_of

from .metadata import Metadata

SessionOrder = Literal["updated", "created", "turns", "errors", "title"]
ORDERS: Final[tuple[SessionOrder, ...]] = get_args(SessionOrder)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
_LARGEST: Final = 2**63
_ATTRIBUTES: Final[dict[SessionOrder, str]] = {
    "updated": "updated_at",
    "created": "created_at",
    "turns": "turn_count",
    "errors": "errors",
    "title": "title",
}


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Sessions that fit all of what is given.

    `text` is in the title and `model` in the model's name, in small or capital letters; `project` is the whole name.
    Of `tags` a session has all.
    `since` (included) and `before` (not) bound when a session changed last. `failed` asks for sessions with errors (or
    without), `waiting` for those with open questions. The order is the largest or latest first, titles from A; or the
    other way in `reverse`. `after` is the last session of the page before, or its cursor.
    """

    statuses: tuple[Status, ...] = ()
    text: str | None = None
    model: str | None = None
    project: str | None = None
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    before: datetime | None = None
    failed: bool | None = None
    waiting: bool | None = None
    order: SessionOrder = "updated"
    reverse: bool = False
    limit: int | None = None
    after: Metadata | str | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise InvalidInput(f"there is no list of {self.limit} sessions; give a limit of 0 or more")
        for moment in (self.since, self.before):
            if moment is not None and moment.tzinfo is None:
                raise InvalidInput(f"{moment.isoformat()} has no time zone; give an aware time")
        tags_of(self.tags)
        for known, given in (*((STATUSES, each) for each in self.statuses), (ORDERS, self.order)):
            if given not in known:
                raise InvalidInput(f"{given!r} is none of {', '.join(known)}")

    @property
    def descending(self) -> bool:
        """Whether the largest comes first."""
        return (self.order != "title") != self.reverse

    @property
    def attribute(self) -> str:
        """What is ordered by; sessions that are alike in it are ordered by id."""
        return _ATTRIBUTES[self.order]

    def place_of(self, session: Metadata) -> tuple[Any, str]:
        """Where a session stands in the order."""
        return getattr(session, self.attribute), session.id

    def after_place(self) -> tuple[Any, str] | None:
        """Behind which place the list begins. Raises InvalidInput."""
        if self.after is None or isinstance(self.after, Metadata):
            return None if self.after is None else self.place_of(self.after)
        return self._read(self.after)

    def cursor(self, last: Metadata) -> str:
        """What `after` takes to go on behind this session, as text."""
        value, session_id = self.place_of(last)
        said = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        text = json.dumps([self._name, said, session_id], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @property
    def _name(self) -> str:
        return f"{'-' if self.descending else ''}{self.order}"

    def _read(self, cursor: str) -> tuple[Any, str]:
        try:
            text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            name, said, session_id = json.loads(text)
            value: Any = datetime.fromisoformat(said) if self.order in {"updated", "created"} else said
            wanted: type = {"title": str, "turns": int, "errors": int}.get(self.order, datetime)
            fits = type(value) is wanted and isinstance(session_id, str)
            fits = fits and (not isinstance(value, int) or abs(value) < _LARGEST)
        except (ValueError, TypeError, binascii.Error) as error:
            raise InvalidInput(f"{cursor!r} is no cursor; take the one that the page before ended with") from error
        if name != self._name or not fits or (isinstance(value, datetime) and value.tzinfo is None):
            raise InvalidInput(f"{cursor!r} is a cursor of another order; list from the beginning, or sort as before")
        return (clean(value) if isinstance(value, str) else value), clean(session_id)

    def select(self, sessions: Iterable[Metadata]) -> list[Metadata]:
        """Those of a list, in order."""
        found = sorted(filter(self.fits, sessions), key=self.place_of, reverse=self.descending)
        place = self.after_place()
        if place is not None:
            found = [
                each
                for each in found
                if (self.place_of(each) < place if self.descending else self.place_of(each) > place)
            ]
        return found if self.limit is None else found[: self.limit]

    def fits(self, session: Metadata) -> bool:
        """Whether a session is one of those asked for."""
        return (
            (not self.statuses or session.status in self.statuses)
            and (self.text is None or folded(self.text) in folded(session.title))
            and (self.model is None or folded(self.model) in folded(session.model))
            and (self.project is None or self.project == session.project)
            and all(tag in session.tags for tag in self.tags)
            and (self.since is None or session.updated_at >= self.since)
            and (self.before is None or session.updated_at < self.before)
            and (self.failed is None or self.failed == (session.errors > 0))
            and (self.waiting is None or self.waiting == (session.waiting > 0))
        )


def folded(text: str) -> str:
    """Text as it is compared where capital letters make no difference."""
    return clean(text).casefold()
