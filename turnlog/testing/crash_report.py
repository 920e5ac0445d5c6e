"""What a crash matrix found: run by run, how it differs from the one nobody disturbed, and what in the log says why."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from pydantic import BaseModel, ConfigDict

from .ledger import Effected
from .observed import Observed, ObservedCall, ObservedSession, Said


class Difference(BaseModel):
    """Something that is not as in the undisturbed run; `because` is the recorded event that explains it, or empty."""

    model_config = ConfigDict(frozen=True)

    what: str
    because: str = ""


class CrashCase(BaseModel):
    """A run killed at a point and taken up by another process.

    `reached` says that the run came to the point and died of SIGKILL there; `resumed` that the other process came to
    the end. `decided` are the tools whose outcome nobody knew and a person had to look up; `doubles` and `losses` are
    effects had more or less often than in the undisturbed run, `repeated` those had again because their tool says that
    does no harm. `error` is what the other process died of.
    """

    model_config = ConfigDict(frozen=True)

    point: str
    reached: bool
    resumed: bool
    decided: tuple[str, ...] = ()
    doubles: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    problems: tuple[str, ...] = ()
    error: str = ""

    @property
    def unexplained(self) -> tuple[str, ...]:
        """Differences of which the log does not tell."""
        return tuple(difference.what for difference in self.differences if not difference.because)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.reached and self.resumed and not self._wrong

    @property
    def _wrong(self) -> tuple[str, ...]:
        return (*self.doubles, *self.losses, *self.unexplained, *self.problems)

    @property
    def verdict(self) -> str:
        """In one line."""
        if not self.reached:
            return "; ".join(["the run did not come to this point", *([self.error] if self.error else [])])
        if not self.resumed:
            return f"not resumed: {self.error}"
        found = [f"double: {effect}" for effect in self.doubles] + [f"lost: {effect}" for effect in self.losses]
        found += [f"unexplained: {what}" for what in self.unexplained] + list(self.problems)
        return "; ".join(found) or "; ".join(["resumed", *(f"{tool} decided" for tool in self.decided)])


class CrashReport(BaseModel):
    """All runs of a matrix. `points` is how many an undisturbed run has; `events` how many are in its log."""

    model_config = ConfigDict(frozen=True)

    scenario: str
    store: str
    points: int
    events: int
    seconds: float
    cases: tuple[CrashCase, ...]

    @property
    def doubles(self) -> int:
        """Effects had more often than they should."""
        return sum(len(case.doubles) for case in self.cases)

    @property
    def losses(self) -> int:
        """Effects that were not had."""
        return sum(len(case.losses) for case in self.cases)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with any of them."""
        return all(case.ok for case in self.cases)

    def __str__(self) -> str:
        """A table: every point, and what came of it."""
        head = f"{self.scenario} on {self.store}: {len(self.cases)} kills, {self.doubles} doubles, {self.losses} losses"
        width = max((len(case.point) for case in self.cases), default=0)
        rows = [f"  {' ' if case.ok else '!'} {case.point:{width}}  {case.verdict}" for case in self.cases]
        return "\n".join([head, *rows])


class CrashesHarm(AssertionError):
    """A crash matrix found something wrong; `report` says what, at which point."""

    def __init__(self, report: CrashReport) -> None:
        super().__init__(str(report))
        self.report = report


def compared(
    point: str, whole: tuple[Observed, Sequence[Effected]], found: tuple[Observed, Sequence[Effected]]
) -> CrashCase:
    """A run that was killed and taken up against the undisturbed one; each is what is in the log, and in the ledger."""
    (expected, had), (observed, has) = whole, found
    calls = observed.calls
    more = Counter(entry.what for entry in has) - Counter(entry.what for entry in had)
    less = Counter(entry.what for entry in had) - Counter(entry.what for entry in has)
    harmless = {entry.what for entry in has if _may_repeat(calls.get(entry.call_id))}
    lost = {f"{call.tool} " for call in calls.values() if call.resolution in ("did", "did_not")}
    explained = {what for what in less if any(what.startswith(tool) for tool in lost)}
    return CrashCase(
        point=point,
        reached=True,
        resumed=True,
        decided=tuple(call.tool for call in calls.values() if call.unknown_at is not None),
        doubles=tuple(what for what in more.elements() if what not in harmless),
        repeated=tuple(what for what in more.elements() if what in harmless),
        losses=tuple(what for what in less.elements() if what not in explained),
        differences=tuple(_differences(expected, observed)),
        problems=tuple(problem for session in observed.sessions for problem in session.problems),
    )


def _may_repeat(call: ObservedCall | None) -> bool:
    """Whether the log tells of a second attempt at a call whose tool says that running twice does no harm."""
    return call is not None and call.attempts > 1 and call.effect != "external"


def _differences(expected: Observed, found: Observed) -> Iterator[Difference]:
    wanted = {session.title: session for session in expected.sessions}
    got = {session.title: session for session in found.sessions}
    if len(expected.sessions) != len(found.sessions) or wanted.keys() != got.keys():
        yield Difference(what=f"sessions {sorted(got)} in place of {sorted(wanted)}")
    for title in wanted.keys() & got.keys():
        yield from _of_session(wanted[title], got[title])


def _of_session(expected: ObservedSession, found: ObservedSession) -> Iterator[Difference]:
    if expected.status != found.status:
        yield Difference(what=f"{found.title!r} is {found.status} in place of {expected.status}")
    calls = {call.call_id: call for call in found.calls}
    for wanted, got in zip_longest(expected.said, found.said):
        if wanted is None or got is None or wanted.shown != got.shown:
            yield Difference(what=f"{_shown(got)} in place of {_shown(wanted)}", because=_reason(wanted, got, calls))


def _shown(said: Said | None) -> str:
    return "nothing" if said is None else f"{said.role} {said.type} {said.text[:60]!r}"


def _reason(wanted: Said | None, got: Said | None, calls: dict[str, ObservedCall]) -> str:
    """The event that explains why a result reads otherwise: a person said what became of the call."""
    call = calls.get(got.call_id) if got is not None else None
    if wanted is None or wanted.type != "tool_result" or call is None or call.resolved_at is None:
        return ""
    return f"ToolOutcomeResolved({call.resolution}) at version {call.resolved_at}"
