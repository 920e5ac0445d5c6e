"""What each event makes of a session. Every recorded event is true: it is taken in, and nothing is judged."""

from .evolve import evolve, fold, fold_events
from .unread import UNREAD

__all__ = ["UNREAD", "evolve", "fold", "fold_events"]
