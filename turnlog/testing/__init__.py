"""For tests of sessions and tools, turnlog's own and yours: clocks that hold still, faults, crashes, golden logs."""

from turnlog.fronts import front_of

__getattr__, __dir__, __all__ = front_of(__name__, __file__)
