"""For tests of sessions and tools, turnlog's own and yours: given/when/then, and time and ids that hold still."""

from .clock import VirtualClock
from .ids import CountingIds
from .stories import Given, Outcome, given

__all__ = ["CountingIds", "Given", "Outcome", "VirtualClock", "given"]
