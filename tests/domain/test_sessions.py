"""Sessions start once, keep a readable title and a usable model, and are forked rather than reopened."""

from dataclasses import replace

import pytest

from turnlog.domain import (
    BlobRef,
    CommandRefused,
    InvalidInput,
    Limits,
    ModelSettings,
    NoticeRaised,
    SessionClosed,
    SessionConfigured,
    SessionRenamed,
    SessionStarted,
    commands,
)
from turnlog.testing import given

from .story import CALL_WAITING, CREATED, MODEL, SESSION_CLOSED, TURN_COMPLETED, alice

Configuration = commands.sessions.Configuration
Opening = commands.sessions.Opening

STRICT = BlobRef(sha256="a" * 64, size=9000, media_type="application/json")
OPENING = Opening(
    title="Fix the build",
    model=MODEL,
    project="website",
    workspace="/src",
    tools=("shell",),
    settings=ModelSettings(temperature=0),
    limits=Limits(requests=9),
    policy='{"name":"strict"}',
)


def test_a_session_starts_with_what_it_was_opened_with() -> None:
    given().when(lambda session: commands.sessions.start(session, alice, OPENING)).then(
        SessionStarted(
            **alice,
            title="Fix the build",
            model=MODEL,
            project="website",
            workspace="/src",
            tools=("shell",),
            settings=ModelSettings(temperature=0),
            limits=Limits(requests=9),
            policy='{"name":"strict"}',
        )
    )


def test_a_session_starts_only_once() -> None:
    given(*CREATED).when(lambda session: commands.sessions.start(session, alice, OPENING)).then_refused(
        CommandRefused, contains="open it instead"
    )


def test_a_title_is_one_line() -> None:
    opening = replace(OPENING, title="  Fix\n\tthe   build ")
    session = given().when(lambda session: commands.sessions.start(session, alice, opening)).session
    assert session.title == "Fix the build"


@pytest.mark.parametrize("title", ["", "  ", "\n\t"])
def test_a_blank_title_is_refused(title: str) -> None:
    opening = replace(OPENING, title=title)
    given().when(lambda session: commands.sessions.start(session, alice, opening)).then_refused(
        InvalidInput, contains="title"
    )


@pytest.mark.parametrize("model", ["", "claude", ":claude", "anthropic:", " anthropic:claude", "anthropic:claude\n"])
def test_a_name_that_names_no_model_is_refused(model: str) -> None:
    opening = replace(OPENING, model=model)
    given().when(lambda session: commands.sessions.start(session, alice, opening)).then_refused(
        InvalidInput, contains="provider:model"
    )


@pytest.mark.parametrize("project", ["", " "])
def test_a_blank_project_is_refused(project: str) -> None:
    opening = replace(OPENING, project=project)
    given().when(lambda session: commands.sessions.start(session, alice, opening)).then_refused(
        InvalidInput, contains="project"
    )


def test_renaming_changes_the_title() -> None:
    given(*CREATED).when(lambda session: commands.sessions.rename(session, alice, "Mend\nit")).then(
        SessionRenamed(**alice, title="Mend it")
    )


def test_renaming_to_the_same_title_changes_nothing() -> None:
    given(*CREATED).when(lambda session: commands.sessions.rename(session, alice, " Fix the build ")).then_nothing()


def test_a_session_cannot_be_renamed_to_nothing() -> None:
    given(*CREATED).when(lambda session: commands.sessions.rename(session, alice, " ")).then_refused(InvalidInput)


def test_configuring_records_only_what_changes() -> None:
    wanted = Configuration(model=MODEL, system="Be brief.", tools=("shell", "read_file"))
    given(*CREATED).when(lambda session: commands.sessions.configure(session, alice, wanted)).then(
        SessionConfigured(**alice, system="Be brief.")
    )


def test_configuring_what_is_already_so_changes_nothing() -> None:
    wanted = Configuration(model=MODEL, tools=("shell", "read_file"))
    given(*CREATED).when(lambda session: commands.sessions.configure(session, alice, wanted)).then_nothing()


def test_settings_and_limits_can_be_changed() -> None:
    wanted = Configuration(settings=ModelSettings(max_tokens=9), limits=Limits(rounds=3))
    given(*CREATED).when(lambda session: commands.sessions.configure(session, alice, wanted)).then(
        SessionConfigured(**alice, settings=ModelSettings(max_tokens=9), limits=Limits(rounds=3))
    )


def test_settings_and_limits_hold_until_they_are_changed() -> None:
    limited = SessionConfigured(**alice, settings=ModelSettings(max_tokens=9), limits=Limits(rounds=3))
    session = given(*CREATED, limited, SessionConfigured(**alice, system="Be brief.")).session
    assert (session.settings, session.limits) == (ModelSettings(max_tokens=9), Limits(rounds=3))


def test_a_policy_can_be_changed() -> None:
    wanted = Configuration(policy=STRICT)
    given(*CREATED).when(lambda session: commands.sessions.configure(session, alice, wanted)).then(
        SessionConfigured(**alice, policy=STRICT)
    )


def test_a_policy_that_is_already_in_force_changes_nothing() -> None:
    strict = SessionConfigured(**alice, policy=STRICT)
    given(*CREATED, strict).when(
        lambda session: commands.sessions.configure(session, alice, Configuration(policy=STRICT))
    ).then_nothing()


def test_a_policy_holds_until_it_is_changed() -> None:
    strict = SessionConfigured(**alice, policy=STRICT)
    assert given(*CREATED, strict, SessionConfigured(**alice, system="Be brief.")).session.policy == STRICT


def test_a_policy_is_not_changed_while_a_turn_goes_on() -> None:
    given(*CALL_WAITING).when(
        lambda session: commands.sessions.configure(session, alice, Configuration(policy=STRICT))
    ).then_refused(CommandRefused, contains="turn in progress")


def test_a_session_that_names_no_policy_has_none() -> None:
    assert given(*CREATED).session.policy is None


def test_limits_can_be_taken_away() -> None:
    limited = SessionConfigured(**alice, limits=Limits(rounds=3))
    wanted = Configuration(limits=Limits())
    session = given(*CREATED, limited).when(lambda session: commands.sessions.configure(session, alice, wanted)).session
    assert session.limits == Limits()


def test_all_tools_can_be_taken_away() -> None:
    wanted = Configuration(tools=())
    session = given(*CREATED).when(lambda session: commands.sessions.configure(session, alice, wanted)).session
    assert session.tools == ()


@pytest.mark.parametrize("model", ["", "claude", " anthropic:claude"])
def test_a_session_cannot_be_configured_with_a_name_that_names_no_model(model: str) -> None:
    wanted = Configuration(model=model)
    given(*CREATED).when(lambda session: commands.sessions.configure(session, alice, wanted)).then_refused(
        InvalidInput, contains="provider:model"
    )


def test_a_closed_session_says_why_it_was_closed() -> None:
    given(*TURN_COMPLETED).when(lambda session: commands.sessions.close(session, alice, "done")).then(
        SessionClosed(**alice, reason="done")
    )


def test_a_closed_session_is_forked_to_go_on() -> None:
    given(*SESSION_CLOSED).when(lambda session: commands.sessions.close(session, alice)).then_refused(
        CommandRefused, contains="fork it"
    )


def test_people_can_still_be_told_something_about_a_closed_session() -> None:
    given(*SESSION_CLOSED).when(lambda session: commands.sessions.notice(session, alice, "exported")).then(
        NoticeRaised(**alice, severity="warning", message="exported")
    )
