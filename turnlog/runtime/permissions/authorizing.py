"""Asking the authorizer, where the calling program has one. What goes wrong with it denies."""

from dataclasses import dataclass

from ..environment import Environment
from ..hooks import Allow, Ask, Authorizer, Deny, HookFailed, ProposedCall, answer_of


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the authorizer says; `failure` is why it could not, which denies."""

    verdict: Allow | Deny | Ask
    failure: str | None = None


async def opinion_of(env: Environment, call: ProposedCall) -> Opinion:
    """What the authorizer at hand says of a call; without one, nothing."""
    authorizer = env.authorizer
    if authorizer is None:
        return Opinion(Ask())
    settings = env.settings
    try:
        return Opinion(
            _checked(
                await answer_of(lambda: authorizer.authorize(call), settings.authorizer_seconds, settings.grace_seconds)
            )
        )
    except HookFailed as failed:
        return _failed(authorizer, call, str(failed))


def _checked(verdict: object) -> Allow | Deny | Ask:
    """A verdict, whatever the types promised; one that is none lets nothing through. Raises HookFailed."""
    if not isinstance(verdict, Allow | Deny | Ask):
        raise HookFailed(f"answered {type(verdict).__name__}, which is none of Allow, Deny and Ask")
    return verdict


def _failed(authorizer: Authorizer, call: ProposedCall, how: str) -> Opinion:
    said = f"the authorizer {authorizer.name} {how}; so call {call.call_id} of {call.tool.name} was denied"
    return Opinion(Deny(f"the authorizer {authorizer.name} failed, and nothing runs without it"), said)
