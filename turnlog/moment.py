"""A session as it stood at a version, and what lies between two such moments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from turnlog import projections
from turnlog.domain import InvalidInput, NotFound, Session, fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from turnlog.domain import Recorded
    from turnlog.projections import Item, Metadata


@dataclass(frozen=True)
class Moment:
    """A session as it stood at a version: what decisions saw, and all that led there; the rest is read from that."""

    session: Session
    history: tuple[Recorded, ...]

    @classmethod
    def of(cls, session_id: str, history: Sequence[Recorded]) -> Self:
        """The session that a history led to. Raises NotFound where it is none."""
        session = fold(Session(session_id), history)
        if session.started_at is None:
            raise NotFound(f"{session_id} is not a session")
        return cls(session, tuple(history))

    @cached_property
    def metadata(self) -> Metadata:
        """What a list of sessions shows of it."""
        found = projections.project(projections.METADATA, self.history)
        if found is None:
            raise NotFound(f"{self.session.id} is not a session")
        return found

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """What people would have seen."""
        return tuple(projections.project(projections.TRANSCRIPT, self.history).items)

    def state(self) -> dict[str, JsonValue]:
        """The folded state as plain JSON, the document `show --json` prints and `diff` compares."""
        return projections.view(self.session, self.history)

    @property
    def address(self) -> str:
        """The session and its version, as `ID@42`."""
        return f"{self.session.id}@{self.session.version}"


@dataclass(frozen=True, slots=True)
class Diff:
    """Two moments. `common` is where their sessions parted; None where one goes on from the other."""

    before: Moment
    after: Moment
    common: Moment | None

    @classmethod
    def of(cls, before: Moment, after: Moment) -> Self:
        """What lies between two moments. Raises InvalidInput where they have no history in common."""
        from .runtime.time_travel.comparing import shared

        together = shared(before.history, after.history)
        if not together:
            raise InvalidInput(
                f"{before.address} and {after.address} have no history in common; "
                f"`turnlog compare {before.address} {after.address}` puts them side by side"
            )
        if together in (len(before.history), len(after.history)):
            return cls(before, after, None)
        common = before.history[:together]
        return cls(before, after, Moment.of(common[-1].stream, common))

    def patch(self) -> list[dict[str, JsonValue]]:
        """What makes the state before the state after: a JSON patch (RFC 6902)."""
        return patch(self.before, self.after)


def patch(before: Moment, after: Moment) -> list[dict[str, JsonValue]]:
    """What makes one state another: a JSON patch (RFC 6902)."""
    import jsonpatch
    from pydantic import JsonValue, TypeAdapter

    return TypeAdapter(list[dict[str, JsonValue]]).validate_python(
        jsonpatch.make_patch(before.state(), after.state()).patch
    )
