"""What helps against each way a request to a model can fail, and why.

`retry` and `compact` are for the program to do; at `stop` and `ask` the turn ends, and after `ask` resuming it helps
once a person has set something right.
"""

from collections.abc import Mapping
from typing import NamedTuple

from .ports import ModelFailure, Remedy


class Advice(NamedTuple):
    """A remedy, and the reason for it."""

    remedy: Remedy
    reason: str


REMEDIES: Mapping[ModelFailure, Advice] = {
    "rate_limited": Advice("retry", "the limit is per time; wait as long as the provider says"),
    "overloaded": Advice("retry", "load passes"),
    "unavailable": Advice("retry", "outages pass"),
    "server": Advice("retry", "the provider failed at this request, not because of it"),
    "connection": Advice("retry", "the network failed; no tool ran, so at worst an answer is paid for twice"),
    "timeout": Advice("retry", "slowness passes; no tool ran, so at worst an answer is paid for twice"),
    "context_window": Advice("compact", "the same conversation will never fit; a shorter one does"),
    "quota": Advice("ask", "waiting brings no credit; somebody has to top up the account"),
    "authentication": Advice("ask", "somebody has to set the key, or what it may use"),
    "not_found": Advice("ask", "somebody has to correct the model's name or the provider's address"),
    "not_installed": Advice("ask", "somebody has to install the provider's SDK"),
    "rejected": Advice("stop", "the provider refuses this very request and will refuse it again"),
    "content_filtered": Advice("stop", "the same words meet the same filter"),
    "malformed": Advice("stop", "what answers there does not speak the provider's format, and asking costs money"),
    "diverged": Advice("stop", "the recorded answers belong to another conversation"),
    "unexpected": Advice("stop", "nobody knows whether the provider acted; doing it again is a guess"),
}
"""One line for each `ModelFailure`; `malformed` is an answer unreadable from its start, not one that broke off."""


def remedy_for(failure: ModelFailure) -> Remedy:
    """What helps against a failure."""
    return REMEDIES[failure].remedy
