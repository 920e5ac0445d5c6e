"""Permission rules: what they match, how a command is read, and the verdict.

A verdict says what was intended, it contains nothing: a deny rule can be got around by a program nobody thought of,
and what an allowed program does is its own affair. Containment is for a sandbox.

What is here is imported when it is first asked for: most of it is tables and patterns, which few processes need.
"""

from turnlog.fronts import front_of

__getattr__, __dir__, __all__ = front_of(__name__, __file__)
