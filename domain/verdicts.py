"""What rules say of a call, as it is recorded, and what a person is offered to remember."""

from typing import Literal

from .content import Value
from .matchers import Matcher

Verdict = Literal["allow", "prompt", "deny"]


BUILT_IN = "turnlog/"
"""What the ids of rules begin with that are always there; nobody made them, so no event did."""


class Finding(Value):
    """What one rule says of one part of a call; `refusal` is why it does not match, None where it does."""

    rule: str
    part: str
    refusal: str | None = None


class Evaluation(Value):
    """How a verdict came about.

    `rules` are the ids of the rules that decided; none where nothing but the default did. `commands` are the commands
    that were read in the call, word for word; `findings` are of the rules that decided or came close.
    """

    verdict: Verdict
    why: str
    rules: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] | None = None
    findings: tuple[Finding, ...] | None = None


class Proposal(Value):
    """A rule that a person may make of an answer; `shown` says in one line what it would cover."""

    matcher: Matcher
    shown: str
