"""Stories in which two calls of one answer wait for one person's answer."""

from .story import Story


def asked_twice() -> tuple[Story, str, str, str]:
    """A question that two calls wait for, and both calls."""
    story, first, second = _two_calls()
    request_id = story.asks(first)
    story.joins(second, request_id)
    return story, request_id, first, second


def taken_back() -> tuple[Story, str, str]:
    """Two calls that a cancelled turn denied: it took back their question, which the first had only joined."""
    story, first, second = _two_calls()
    story.answered(story.asks(first), allow=True)
    request_id = story.asks(second)
    story.outdated(first, "program")
    story.joins(first, request_id)
    story.cancelled()
    return story, first, second


def _two_calls() -> tuple[Story, str, str]:
    story = Story()
    story.says("Go")
    first, second = story.call(), story.call()
    story.answers(first, second)
    return story, first.call_id, second.call_id
