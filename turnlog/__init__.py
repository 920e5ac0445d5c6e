"""turnlog: an event-sourced runtime for tool-using LLM agents. The log is the session."""

from .fronts import front_of

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = front_of(__name__, __file__)
