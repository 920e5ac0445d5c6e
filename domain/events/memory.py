"""Facts about a memory: what a project knows from its sessions, and what of it a request was given."""

from ..content import Value
from .base import Event
from .tool import Redaction


class MemoryEvent(Event):
    """An event in the stream of a memory.

    `session_id` and `call_id` say in which session, and by which of its calls; None where a person did it.
    """

    session_id: str | None = None
    call_id: str | None = None


class MemoryStored(MemoryEvent):
    """Something is known from now on. `memory_id` follows from where it is from and what it says.

    `session_id` and `version` are where it is from; `digest` is that of the text alone. `extractor` names what made it
    of a finished turn. `redactions` are the secrets that were taken out.
    """

    memory_id: str
    text: str
    digest: str
    version: int | None = None
    extractor: str | None = None
    redactions: tuple[Redaction, ...] | None = None


class MemoryPinned(MemoryEvent):
    """It is to be in front of every session that recalls; with `pinned` false it is so no more."""

    memory_id: str
    pinned: bool = True


class MemoryForgotten(MemoryEvent):
    """It is known no more: nothing finds it, and no turn brings it back."""

    memory_id: str
    reason: str = ""


class MemorySourceForgotten(MemoryEvent):
    """Everything that came from a session is known no more, and nothing is taken from it again."""

    source: str
    reason: str = ""


class MemoryIngested(MemoryEvent):
    """A finished turn was looked at; what it told was stored with this, in one transaction.

    The turn ended at `version` of session `source`, at `position` of the log.
    """

    source: str
    version: int
    extractor: str
    position: int


class Recalled(Value):
    """Something known that a request was given, and where it is from."""

    memory_id: str
    session_id: str | None = None
    version: int | None = None


class MemoryRecalled(Event):
    """In front of the conversation stands `text` from now on, in place of what stood there; blank for nothing.

    In the stream of the session, right before a turn begins. `facts` are those in it; `left_out` is how many there
    was no room for.
    """

    text: str
    facts: tuple[Recalled, ...] = ()
    left_out: int = 0
