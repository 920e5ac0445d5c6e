"""A tool whose effect cannot be taken back, and what it did. Its tests use the fixture `nothing_sent`."""

from .world import tool

SENT: list[str] = []


@tool
def send(to: str = "bo") -> str:
    """Send it."""
    SENT.append(to)
    return f"sent to {to}"
