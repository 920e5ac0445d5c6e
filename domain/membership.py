"""A team as the decisions of its sessions see it: who belongs to it, and how far mail was read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """A teammate of a session that leads a team. `version` is that of the latest event about it.

    `call_id` is the call that wanted it.
    """

    name: str
    session: str
    version: int
    role: str = ""
    left: bool = False
    call_id: str | None = None


@dataclass(frozen=True)
class MailRead:
    """How far mail has come and was read, as positions of the mailbox; `left` is a teammate that takes no more."""

    arrived: int = 0
    delivered: int = 0
    left: bool = False

    @property
    def unread(self) -> bool:
        """Whether there is a message that nobody has read."""
        return self.arrived > self.delivered


NO_MAIL = MailRead()
