"""Which calls wait for which answer: one question may have been put for several identical calls."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from turnlog.domain import (
    PermissionEndorsed,
    PermissionExpired,
    PermissionJoined,
    PermissionRequested,
    PermissionResolved,
    PermissionWithdrawn,
)

from .call_status import CallFact


@dataclass(slots=True)
class Questions:
    """The calls that wait, by request id: the one that was asked about, then those that joined it."""

    calls: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def concerned(self, event: CallFact) -> Iterable[str]:
        """The calls that a fact is about, its own first. Others are to be left alone where they wait no more."""
        match event:
            case PermissionRequested():
                self.calls[event.request_id] = (event.call_id,)
            case PermissionJoined():
                self.calls[event.request_id] = (*self.calls.get(event.request_id, ()), event.call_id)
            case PermissionEndorsed():
                return dict.fromkeys((event.call_id, *self.calls.get(event.request_id, ())))
            case PermissionResolved() | PermissionExpired() | PermissionWithdrawn():
                return dict.fromkeys((event.call_id, *self.calls.pop(event.request_id, ())))
            case _:
                pass
        return (event.call_id,)
