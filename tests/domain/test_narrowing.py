"""What two may do together is nothing that either may not: bounds, policies, limits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from turnlog.domain import (
    SANDBOX_LEVELS,
    Bounds,
    ExactArgv,
    Limits,
    PermissionRule,
    Policy,
    narrowed,
    narrower,
    tightest,
)

ROOTS = st.lists(st.sampled_from(["/", "/a", "/a/b", "/a/b/c", "/ab", "/a/../b", "/d/"]), max_size=3).map(tuple)
NAMES = st.lists(st.sampled_from(["HOME", "PATH", "TOKEN"]), max_size=3, unique=True).map(tuple)
BOUNDS = st.builds(
    Bounds,
    commands=st.booleans(),
    read_roots=ROOTS,
    write_roots=ROOTS,
    read_only=NAMES,
    environment=NAMES,
    secrets=NAMES,
    seconds=st.integers(1, 9).map(float),
    output_bytes=st.integers(1024, 4096),
    processes=st.integers(1, 9),
    file_bytes=st.integers(1, 9),
    network=st.booleans(),
    background=st.integers(0, 9),
    sandbox=st.sampled_from(SANDBOX_LEVELS),
)
RULES = st.builds(
    PermissionRule,
    effect=st.sampled_from(["allow", "deny", "prompt"]),
    matcher=st.sampled_from("abc").map(lambda word: ExactArgv(exact=(word,))),
)
VERDICTS = ("deny", "prompt", "allow")
POLICIES = st.builds(
    Policy,
    rules=st.lists(RULES, max_size=4).map(tuple),
    reading=st.sampled_from(["allow", "prompt"]),
    otherwise=st.sampled_from(VERDICTS),
    two_persons=NAMES,
    self_approval=st.booleans(),
    most_denials=st.integers(0, 3),
    bounds=BOUNDS,
)
LATER = st.integers(0, 99).map(lambda days: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days))
COUNTS = st.none() | st.integers(1, 9)
LIMITS = st.none() | st.builds(
    Limits,
    rounds=COUNTS,
    requests=COUNTS,
    tool_calls=COUNTS,
    tokens=COUNTS,
    cost=st.none() | st.integers(1, 9).map(Decimal),
    seconds=st.none() | st.integers(1, 9).map(float),
    deadline=st.none() | LATER,
)


def within(bounds: Bounds, other: Bounds) -> bool:
    """Whether the first lift nothing that the other hold."""
    switches = (bounds.commands <= other.commands, bounds.network <= other.network)
    sizes = [
        getattr(bounds, name) <= getattr(other, name)
        for name in ("seconds", "output_bytes", "processes", "file_bytes", "background")
    ]
    names = (set(bounds.environment) <= set(other.environment), set(bounds.secrets) <= set(other.secrets))
    kept = set(other.read_only) <= set(bounds.read_only)
    strict = SANDBOX_LEVELS.index(bounds.sandbox) >= SANDBOX_LEVELS.index(other.sandbox)
    roots = below(bounds.read_roots, other.read_roots) and below(bounds.write_roots, other.write_roots)
    return all((*switches, *sizes, *names, kept, strict, roots))


def below(paths: tuple[str, ...], roots: tuple[str, ...]) -> bool:
    """Whether each path is one of the roots or inside of one."""
    inside = [any(path.startswith(f"{root.rstrip('/')}/") for root in roots) for path in paths]
    return all(path in roots or (held and ".." not in path) for path, held in zip(paths, inside, strict=True))


def rules_of(policy: Policy, *effects: str) -> set[str]:
    """The rules of a policy with these effects."""
    return {str(rule) for rule in policy.rules if rule.effect in effects}


@given(BOUNDS, BOUNDS)
def test_bounds_of_two_lift_nothing_that_either_holds(one: Bounds, other: Bounds) -> None:
    both = narrower(one, other)
    assert within(both, one)
    assert within(both, other)


@given(POLICIES, POLICIES)
def test_a_policy_narrowed_to_another_allows_nothing_that_either_does_not(above: Policy, own: Policy) -> None:
    both = narrowed(above, own)
    for each in (above, own):
        assert rules_of(both, "allow") <= rules_of(each, "allow")
        assert rules_of(both, "deny", "prompt") >= rules_of(each, "deny", "prompt")
        assert VERDICTS.index(both.otherwise) <= VERDICTS.index(each.otherwise)
        assert both.reading == "prompt" or each.reading == "allow"
        assert set(both.two_persons) >= set(each.two_persons)
        assert both.self_approval <= each.self_approval
        assert not each.most_denials or 0 < both.most_denials <= each.most_denials
        assert within(both.bounds, each.bounds)


@given(POLICIES, POLICIES)
def test_narrowing_again_changes_nothing(above: Policy, own: Policy) -> None:
    both = narrowed(above, own)
    assert narrowed(above, both) == both


@given(st.lists(LIMITS, max_size=4))
def test_the_tightest_of_limits_are_no_looser_than_any(limits: list[Limits | None]) -> None:
    found = tightest(*limits)
    given_limits = [each for each in limits if each is not None]
    assert (found is None) == (not given_limits)
    for name in Limits.model_fields:
        values = [value for each in given_limits if (value := getattr(each, name)) is not None]
        assert found is None or getattr(found, name) == min(values, default=None)
