"""Facts and decisions: pure, no I/O, no clock, no randomness."""

from turnlog.fronts import front_of

__getattr__, __dir__, __all__ = front_of(__name__, __file__)
