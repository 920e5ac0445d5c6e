"""Adapters: the store, models, tools, and the machine itself. Each is imported when it is first asked for."""

from turnlog.fronts import front_of

__getattr__, __dir__, __all__ = front_of(__name__, __file__)
