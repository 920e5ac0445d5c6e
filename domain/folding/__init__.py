"""What each event makes of a session. Every recorded event is true: it is taken in, and nothing is judged."""

from .evolve import evolve, fold, fold_events

__all__ = ["evolve", "fold", "fold_events"]
