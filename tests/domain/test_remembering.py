"""An answer that is to be remembered makes one rule: for what was asked about, and no wider than the person says."""

from datetime import timedelta

import pytest

from turnlog.domain import (
    AnyCall,
    ArgvPrefix,
    Event,
    ExactCall,
    InvalidInput,
    JsonKeys,
    Matcher,
    PermissionResolved,
    RuleRemembered,
    Scope,
    Session,
    SessionStarted,
    SqlReadOnly,
    commands,
)
from turnlog.testing import given

from .every_command import ALLOW, DENY
from .story import (
    ALLOWED,
    CALL_ENDORSED,
    CALL_PROPOSED,
    CALL_WAITING,
    DIGEST,
    EXACT,
    MODEL,
    NOON,
    PROCESS,
    PROMPTED,
    PROMPTED_TWO,
    Story,
    alice,
    because,
    bob,
)

Answer = commands.answers.Answer
Edit = commands.answers.Edit
Memory = commands.answers.Memory

SESSION_ID = "a session"
UNAFFILIATED = SessionStarted(**alice, title="Try things out", model=MODEL)
PROMPTED_EXACTLY = PROMPTED.model_copy(update={"exact": EXACT, "process": PROCESS})
WAITING: Story = (*CALL_PROPOSED, PROMPTED_EXACTLY)
UNBOUND: Story = (*CALL_PROPOSED, PROMPTED.model_copy(update={"unbound": ("what `make` reads",)}))
FROM_MAKE = ArgvPrefix(argv_prefix=("make",), positionals=("test", "lint"))
HOUR = timedelta(hours=1)


def answering(session: Session, memory: Memory, allow: bool = True) -> tuple[Event, ...]:
    return commands.answers.answer(session, alice, "request_1", Answer(allow, "as always", memory))


def rule_made(memory: Memory, allow: bool = True, before: Story = WAITING) -> RuleRemembered:
    """The one rule that an answer makes."""
    events = answering(given(*before, session_id=SESSION_ID).session, memory, allow)
    (rule,) = (event for event in events if isinstance(event, RuleRemembered))
    return rule


@pytest.mark.parametrize("scope", ["process", "session", "project", "global"])
@pytest.mark.parametrize("allow", [True, False], ids=["allow", "deny"])
def test_an_answer_to_be_remembered_makes_one_rule_for_exactly_this_call(scope: Scope, allow: bool) -> None:
    memory = Memory("rule_1", scope, "make test")
    given(*WAITING, session_id=SESSION_ID).when(lambda session: answering(session, memory, allow)).then(
        PermissionResolved(
            **because(alice, 6),
            turn_id="turn_1",
            call_id="call_1",
            request_id="request_1",
            digest=DIGEST,
            outcome="allowed" if allow else "denied",
            reason="as always",
            remember=scope,
            rule_id="rule_1",
        ),
        RuleRemembered(
            **alice,
            rule_id="rule_1",
            scope=scope,
            process=PROCESS if scope == "process" else None,
            effect="allow" if allow else "deny",
            tool="shell",
            matcher=ExactCall(digest=EXACT, shown="make test"),
            reason="as always",
            session_id=SESSION_ID,
            request_id="request_1",
        ),
    )


def test_a_question_from_before_envelopes_is_remembered_by_the_digest_it_had() -> None:
    rule = rule_made(Memory("rule_1", "session", "make test"), before=CALL_WAITING)
    assert rule.matcher == ExactCall(digest=DIGEST, shown="make test")


def test_an_answer_that_is_not_to_be_remembered_makes_no_rule() -> None:
    given(*WAITING).when(lambda session: commands.answers.answer(session, alice, "request_1", ALLOW)).then(ALLOWED)


@pytest.mark.parametrize(("scope", "kept"), [("process", []), ("session", ["rule_1"]), ("project", []), ("global", [])])
def test_only_a_rule_of_session_scope_is_kept_by_the_session(scope: Scope, kept: list[str]) -> None:
    session = given(*WAITING).when(lambda session: answering(session, Memory("rule_1", scope))).session
    assert [rule.rule_id for rule in session.rules] == kept


@pytest.mark.parametrize("matcher", [AnyCall(), FROM_MAKE], ids=["any", "prefix"])
def test_a_yes_can_be_remembered_for_more_than_the_call_that_was_asked_about(matcher: Matcher) -> None:
    assert rule_made(Memory("rule_1", "session", matcher=matcher)).matcher == matcher


@pytest.mark.parametrize(
    ("matcher", "allow", "complaint"),
    [
        (JsonKeys(keys=("command",)), True, "keys alone would allow every command"),
        (FROM_MAKE, False, "would narrow a deny"),
        (SqlReadOnly(sql_readonly=True), False, "can only be allowed"),
    ],
    ids=["too wide to allow", "too narrow to deny", "never denied"],
)
def test_what_no_rule_may_match_cannot_be_remembered(matcher: Matcher, allow: bool, complaint: str) -> None:
    memory = Memory("rule_1", "session", matcher=matcher)
    given(*WAITING).when(lambda session: answering(session, memory, allow)).then_refused(
        InvalidInput, contains=complaint
    )


def test_a_no_by_first_words_is_remembered_as_the_log_gives_them_back() -> None:
    words = ArgvPrefix(argv_prefix=("make",))
    stored = ArgvPrefix.model_validate_json(words.model_dump_json())
    assert rule_made(Memory("rule_1", "session", matcher=stored), allow=False).matcher == words


# For how long


def test_a_yes_can_be_remembered_for_a_number_of_uses() -> None:
    assert rule_made(Memory("rule_1", "session", uses=3)).uses == 3


@pytest.mark.parametrize("uses", [0, -1])
def test_a_yes_is_remembered_for_one_use_at_least(uses: int) -> None:
    given(*WAITING).when(lambda session: answering(session, Memory("rule_1", "session", uses=uses))).then_refused(
        InvalidInput, contains="at least 1"
    )


def test_a_no_is_not_counted() -> None:
    memory = Memory("rule_1", "session", uses=1)
    given(*WAITING).when(lambda session: answering(session, memory, allow=False)).then_refused(
        InvalidInput, contains="only a yes"
    )


@pytest.mark.parametrize("allow", [True, False], ids=["allow", "deny"])
def test_an_answer_can_be_remembered_for_some_time(allow: bool) -> None:
    assert rule_made(Memory("rule_1", "session", lifetime=HOUR), allow).expires_at == NOON + HOUR


@pytest.mark.parametrize("lifetime", [timedelta(0), -HOUR, timedelta.max], ids=["none", "negative", "endless"])
def test_a_time_for_which_nothing_can_hold_is_refused(lifetime: timedelta) -> None:
    given(*WAITING).when(
        lambda session: answering(session, Memory("rule_1", "session", lifetime=lifetime))
    ).then_refused(InvalidInput, contains="hold for")


# Where it cannot be


def test_a_yes_to_a_call_that_reads_what_nobody_can_tell_is_not_remembered() -> None:
    given(*UNBOUND).when(lambda session: answering(session, Memory("rule_1", "session"))).then_refused(
        InvalidInput, contains="nobody can tell all that the call reads"
    )


def test_a_no_to_a_call_that_reads_what_nobody_can_tell_is_remembered() -> None:
    assert rule_made(Memory("rule_1", "session"), allow=False, before=UNBOUND).effect == "deny"


def test_an_answer_cannot_be_remembered_for_a_project_there_is_not() -> None:
    given(UNAFFILIATED, *WAITING[1:]).when(
        lambda session: answering(session, Memory("rule_1", "project"))
    ).then_refused(InvalidInput, contains="belongs to no project")


def test_an_answer_cannot_be_remembered_for_a_process_nobody_named() -> None:
    given(*CALL_WAITING).when(lambda session: answering(session, Memory("rule_1", "process"))).then_refused(
        InvalidInput, contains="which process asked is not recorded"
    )


def test_an_answer_with_other_arguments_is_not_remembered() -> None:
    decision = Answer(allow=True, memory=Memory("rule_1", "session"), edit=Edit("{}", "digest of the edited call"))
    given(*WAITING).when(lambda session: commands.answers.answer(session, alice, "request_1", decision)).then_refused(
        InvalidInput, contains="other arguments cannot be remembered"
    )


@pytest.mark.parametrize("before", [(*CALL_PROPOSED, PROMPTED_TWO), CALL_ENDORSED], ids=["the first", "the last"])
def test_a_yes_of_two_persons_is_not_remembered(before: Story) -> None:
    decision = Answer(allow=True, memory=Memory("rule_1", "session"))
    given(*before).when(lambda session: commands.answers.answer(session, bob, "request_1", decision)).then_refused(
        InvalidInput, contains="cannot be remembered"
    )


def test_the_no_of_one_of_two_persons_can_be_remembered() -> None:
    assert rule_made(Memory("rule_1", "session"), allow=False, before=(*CALL_PROPOSED, PROMPTED_TWO)).effect == "deny"


@pytest.mark.parametrize("then", [ALLOW, DENY], ids=["allow", "deny"])
def test_a_question_still_stands_after_an_answer_that_could_not_be_remembered(then: Answer) -> None:
    refused = given(UNAFFILIATED, *WAITING[1:]).when(lambda session: answering(session, Memory("rule_1", "project")))
    assert len(commands.answers.answer(refused.session, alice, "request_1", then)) == 1
