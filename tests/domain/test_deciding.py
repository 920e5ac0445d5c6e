"""What becomes of a call: denials before questions, questions before allowances, and what is left to the policy."""

from itertools import product

import pytest

from turnlog.domain import Considered, Decided, Evaluation, Policy, Verdict, decide

ASKING = Policy()
ALLOWING = Policy(name="ours", otherwise="allow")
DENYING = Policy(name="ours", otherwise="deny")
TWO = Policy(name="ours", otherwise="allow", two_persons=("shell",))
READING_ASKED = Policy(name="ours", reading="prompt")
SILENT = Evaluation(verdict="prompt", why="no rule allows it")
WORDS: tuple[Verdict | None, ...] = (None, "allow", "deny")


def by_rule(verdict: Verdict) -> Evaluation:
    return Evaluation(verdict=verdict, why="a rule says so", rules=("rule_1",))


DENIED, ASKED, ALLOWED = by_rule("deny"), by_rule("prompt"), by_rule("allow")
EVERY_SAYING = (SILENT, DENIED, ASKED, ALLOWED)
EVERY_POLICY = (ASKING, ALLOWING, DENYING, TWO, READING_ASKED)


@pytest.mark.parametrize(
    ("policy", "call", "decided"),
    [
        (ALLOWING, Considered("shell", DENIED, reads=True, own=True, word="allow"), Decided("deny", "rules")),
        (ALLOWING, Considered("shell", ASKED, reads=True, own=True, word="deny"), Decided("deny", "authorizer")),
        (ALLOWING, Considered("shell", ASKED, reads=True, own=True, word="allow"), Decided("prompt", "rules")),
        (TWO, Considered("shell", ALLOWED, reads=True, word="allow"), Decided("prompt", "two_persons")),
        (TWO, Considered("other", SILENT), Decided("allow", "policy")),
        (DENYING, Considered("shell", SILENT, word="allow"), Decided("allow", "authorizer")),
        (DENYING, Considered("shell", SILENT, reads=True), Decided("allow", "read_only")),
        (READING_ASKED, Considered("shell", SILENT, reads=True), Decided("prompt", "policy")),
        (READING_ASKED, Considered("shell", SILENT, own=True), Decided("allow", "read_only")),
        (DENYING, Considered("task_add", SILENT, within_log=True), Decided("allow", "policy")),
        (ALLOWING, Considered("task_add", DENIED, within_log=True), Decided("deny", "rules")),
        (READING_ASKED, Considered("shell", ALLOWED, reads=True), Decided("allow", "rules")),
        (DENYING, Considered("shell", ALLOWED), Decided("allow", "rules")),
        (ASKING, Considered("shell", SILENT), Decided("prompt", "policy")),
        (ALLOWING, Considered("shell", SILENT), Decided("allow", "policy")),
        (DENYING, Considered("shell", SILENT), Decided("deny", "policy")),
    ],
    ids=[
        "a deny rule beats everything",
        "the authorizer's denial beats a question",
        "a question beats the authorizer's yes",
        "two persons are asked whatever allows",
        "another tool needs no two persons",
        "the authorizer's yes beats the default",
        "reading is free",
        "reading is asked about where the policy says so",
        "turnlog's own tools are free",
        "what changes the log alone needs nobody's word",
        "a deny rule beats that as well",
        "a rule allows reading",
        "a rule that allows beats the default",
        "asked about by default",
        "allowed by default",
        "denied by default",
    ],
)
def test_the_order_of_a_decision(policy: Policy, call: Considered, decided: Decided) -> None:
    assert decide(policy, call) == decided


@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_nothing_allows_what_a_rule_or_the_authorizer_denies(policy: Policy) -> None:
    for said, reads, own, word in product(EVERY_SAYING, (False, True), (False, True), WORDS):
        if said is DENIED or word == "deny":
            assert decide(policy, Considered("shell", said, reads, own, word)).verdict == "deny"


@pytest.mark.parametrize("policy", EVERY_POLICY)
def test_nothing_allows_what_a_rule_wants_asked_about(policy: Policy) -> None:
    for reads, own, word in product((False, True), (False, True), WORDS):
        assert decide(policy, Considered("shell", ASKED, reads, own, word)).verdict != "allow"


def test_one_person_or_rule_never_does_where_two_persons_have_to_agree() -> None:
    for said, reads, word in product(EVERY_SAYING, (False, True), WORDS):
        assert decide(TWO, Considered("shell", said, reads=reads, word=word)).verdict != "allow"
