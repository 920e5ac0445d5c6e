"""What dice stand for: which call, which question, whose epoch."""

from collections.abc import Callable

from turnlog.domain import Call, Turn

from .story import Story

Action = Callable[[Story, int], object]
TEXTS = ("hello", "", "  \n", "ÄÖ \u202e", "x" * 300)


def turn_of(story: Story) -> Turn:
    return story.session.turn or Turn("none", 0)


def call_of(story: Story, dice: int) -> Call:
    calls = turn_of(story).open_calls if dice % 4 else turn_of(story).calls
    return calls[dice % len(calls)] if calls else Call("nowhere", "shell", 0)


def request_of(story: Story, dice: int) -> str:
    requests = turn_of(story).requests
    return requests[dice % len(requests)].request_id if requests else "nowhere"


def epoch_of(story: Story, dice: int) -> int:
    return story.epoch - (dice % 13 == 7)
