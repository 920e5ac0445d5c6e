"""What becomes of a call, once the rules have been read: the order of the design (section 5), in one place."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from .policy import Policy
from .verdicts import Evaluation, Verdict

DecidedBy = Literal["rules", "authorizer", "two_persons", "read_only", "policy"]


class Decided(NamedTuple):
    """What becomes of a call, and what decided that."""

    verdict: Verdict
    by: DecidedBy


@dataclass(frozen=True, slots=True)
class Considered:
    """What is known of a call: what its rules say, and the authorizer (None: it leaves the call, or there is none).

    `reads` is a tool that changes nothing, `own` one of turnlog's that touches nothing outside the log.
    One that is `within_log` does not either, and changes something there that others see, such as a task board.
    """

    tool: str
    said: Evaluation
    reads: bool = False
    own: bool = False
    word: Verdict | None = None
    within_log: bool = False


def decide(policy: Policy, call: Considered) -> Decided:
    """A deny rule is final; a denial beats a question, a question an allowance, and that the policy's default."""
    said = call.said
    if said.verdict == "deny":
        return Decided("deny", "rules")
    if call.word == "deny":
        return Decided("deny", "authorizer")
    if said.verdict == "prompt" and said.rules:
        return Decided("prompt", "rules")
    if call.tool in policy.two_persons:
        return Decided("prompt", "two_persons")
    if call.word == "allow":
        return Decided("allow", "authorizer")
    if call.own or (call.reads and policy.reading == "allow"):
        return Decided("allow", "read_only")
    if said.verdict == "allow":
        return Decided("allow", "rules")
    return Decided("allow" if call.within_log else policy.otherwise, "policy")
