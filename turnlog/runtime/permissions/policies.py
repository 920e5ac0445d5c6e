"""The policy of a session: recorded whole, so that whoever opens it judges by the same, and auditors can read it."""

from dataclasses import dataclass
from functools import lru_cache

from pydantic import ValidationError

from turnlog.domain import STANDARD, Body, CorruptRecord, PermissionRule, Policy, Session, narrowed

from ..digests import digest
from ..environment import Environment
from ..histories import load


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A policy and its digest, by which decisions name it."""

    policy: Policy
    digest: str


async def keep_policy(env: Environment, policy: Policy) -> Body:
    """A policy as an event may hold it: with the rules of its packs, each under a name.

    Raises InvalidInput, StoreError.
    """
    rules = (*policy.rules, *(rule for pack in policy.packs for rule in env.permissions.pack(pack)))
    named = tuple(_named(policy.name, number, rule) for number, rule in enumerate(rules, 1))
    written = policy.model_copy(update={"rules": named, "packs": ()})
    return await env.bodies.keep(written.model_dump_json(exclude_none=True))


async def policy_of(env: Environment, session: Session) -> PolicyInForce:
    """The policy of a session; of a subagent, within that of the session it works for.

    Raises CorruptRecord, BlobMissing, BlobDamaged, StoreError.
    """
    own = await _own_policy(env, session)
    if session.spawned_by is None:
        return own
    above = await policy_of(env, await load(env, session.spawned_by.session))
    if above.digest == own.digest or (policy := narrowed(above.policy, own.policy)) == own.policy:
        return own
    await keep_policy(env, policy)
    return _in_force(policy)


async def _own_policy(env: Environment, session: Session) -> PolicyInForce:
    if session.policy is None:
        return _STANDARD
    text = await env.bodies.text(session.policy)
    try:
        return _read(text)
    except ValidationError as error:
        raise CorruptRecord(f"the policy of session {session.id} cannot be read: {error.errors()[0]['msg']}") from error


def _named(policy: str, number: int, rule: PermissionRule) -> PermissionRule:
    own = rule.id or str(number)
    return rule.model_copy(update={"id": own if own.startswith(f"{policy}/") else f"{policy}/{own}"})


def _in_force(policy: Policy) -> PolicyInForce:
    return PolicyInForce(policy, digest(policy.model_dump(mode="json")))


@lru_cache(maxsize=64)
def _read(text: str) -> PolicyInForce:
    return _in_force(Policy.model_validate_json(text))


_STANDARD = _in_force(STANDARD)
