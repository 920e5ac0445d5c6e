"""The application layer: sessions opened, turns run, questions answered. The world is behind ports."""

from turnlog.fronts import front_of

__getattr__, __dir__, __all__ = front_of(__name__, __file__)
