"""Models: scripted ones for tests and the demo, and every provider through one adapter.

Importing this package imports no provider library; that happens with a model's first request.
"""

from turnlog.fronts import front_of

__getattr__, __dir__, __all__ = front_of(__name__, __file__)
