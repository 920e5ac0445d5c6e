"""What a line of the log is made of."""

from typing import Literal

Tone = Literal["plain", "good", "bad", "ask", "quiet"]
Words = tuple[Tone, tuple[str, ...]]
"""The tone, and the parts of the line; parts that are empty are left out."""
