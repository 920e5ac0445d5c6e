"""What the log looks like from different sides: pure folds, and what is read from them."""

from turnlog.fronts import front_of

__getattr__, __dir__, __all__ = front_of(__name__, __file__)
