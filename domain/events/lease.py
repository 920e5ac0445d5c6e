"""Facts about which worker runs the session."""

from .base import Event


class LeaseTaken(Event):
    """A worker runs the session from here on; every later step cites this epoch."""

    epoch: int
    worker: str


class LeaseReleased(Event):
    """The worker is done."""

    epoch: int
    worker: str
