"""What each event makes of a session. Every recorded event is true: it is taken in, and nothing is judged."""

from .evolve import evolve, fold, fold_before, fold_events
from .unread import UNREAD, UNREAD_BEFORE

__all__ = ["UNREAD", "UNREAD_BEFORE", "evolve", "fold", "fold_events", "fold_before"]
