"""Projections of the whole log into tables, to be asked by SQL."""

from turnlog.fronts import front_of

__getattr__, __dir__, __all__ = front_of(__name__, __file__)
