"""Policy: what holds before anybody is asked, as one value that the log keeps."""

from typing import Annotated, Literal

from pydantic import Field

from .bounds import Bounds, narrower
from .content import Value
from .permission_rule import PermissionRule
from .verdicts import Verdict

UnknownOutcomes = Literal["ask", "treat_as_failed", "retry_if_idempotent"]
"""What becomes of calls whose outcome nobody knows: a person is asked, or the turn goes on without one."""

UNKNOWN_ATTEMPTS = 3


class Policy(Value):
    """How calls are judged that no remembered rule decides, and who may answer questions.

    `rules` are those of configuration; `packs` names further ones, which are written out once the policy is recorded.
    `reading` is what becomes of calls of tools that only read, `otherwise` of all other calls that no rule decides.
    Calls of the tools `two_persons` always need two persons who agree. Without `self_approval` whoever began the turn
    does not answer its questions. After `most_denials` calls in a row that were denied the turn ends; 0: never.
    `bounds` are the limits that hold whatever was approved. `unknown_outcomes` says what becomes of calls whose outcome
    nobody knows: `treat_as_failed` tells the model so and goes on, `retry_if_idempotent` runs those again that may run
    twice, up to `unknown_attempts` attempts in all, and asks about the others.
    """

    name: str = "standard"
    rules: tuple[PermissionRule, ...] = ()
    packs: tuple[str, ...] = ()
    reading: Literal["allow", "prompt"] = "allow"
    otherwise: Verdict = "prompt"
    two_persons: tuple[str, ...] = ()
    self_approval: bool = True
    most_denials: Annotated[int, Field(ge=0)] = 3
    bounds: Bounds = Bounds()
    # Left out where they say nothing new: the digest of a policy from before they were there stays the same.
    unknown_outcomes: Annotated[UnknownOutcomes, Field(exclude_if=lambda value: value == "ask")] = "ask"
    unknown_attempts: Annotated[int, Field(ge=1, exclude_if=lambda value: value == UNKNOWN_ATTEMPTS)] = UNKNOWN_ATTEMPTS

    @staticmethod
    def strict() -> "Policy":
        """Everything is asked about that no rule allows, reading too."""
        return Policy(name="strict", reading="prompt")

    @staticmethod
    def developer() -> "Policy":
        """Programs may be run. Reading is free, and so are commands that only read, by the rules of the pack."""
        return Policy(name="developer", packs=("developer",), bounds=Bounds(commands=True))

    @staticmethod
    def permissive() -> "Policy":
        """Programs may be run, and all is allowed that no rule denies or wants asked about. For sandboxes that hold."""
        return Policy(name="permissive", otherwise="allow", most_denials=0, bounds=Bounds(commands=True))


_STRICTEST_FIRST: tuple[Verdict, ...] = ("deny", "prompt", "allow")


def narrowed(above: Policy, own: Policy) -> Policy:
    """A policy that allows nothing which either of two does not; `own` itself where it is no wider anywhere.

    Both are written out, without packs. Of the rules that allow, those stay that both have.
    """
    theirs = set(map(str, above.rules))
    mine = tuple(rule for rule in own.rules if rule.effect != "allow" or str(rule) in theirs)
    have = set(map(str, mine))
    stricter = tuple(rule for rule in above.rules if rule.effect != "allow" and str(rule) not in have)
    bears = [most for most in (above.most_denials, own.most_denials) if most]
    found = own.model_copy(
        update={
            "rules": (*mine, *stricter),
            "reading": "prompt" if "prompt" in (above.reading, own.reading) else "allow",
            "otherwise": min(above.otherwise, own.otherwise, key=_STRICTEST_FIRST.index),
            "two_persons": (*own.two_persons, *(each for each in above.two_persons if each not in own.two_persons)),
            "self_approval": above.self_approval and own.self_approval,
            "most_denials": min(bears, default=0),
            "bounds": narrower(above.bounds, own.bounds),
            "unknown_outcomes": own.unknown_outcomes if own.unknown_outcomes == above.unknown_outcomes else "ask",
            "unknown_attempts": min(above.unknown_attempts, own.unknown_attempts),
        }
    )
    return own if found == own else found


STANDARD = Policy()
"""The policy of a session that names none: reading is free, everything else is asked about."""
