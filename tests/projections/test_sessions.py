"""Sessions at a glance, one from its history and all from the global log."""

from turnlog.domain import commands
from turnlog.projections import METADATA, SESSIONS, Metadata, project

from .story import BEGAN, OTHER_MODEL, Story


def metadata(story: Story) -> Metadata:
    found = project(METADATA, story.history)
    assert found is not None
    return found


def test_a_new_session_is_created() -> None:
    seen = metadata(Story())
    assert (seen.id, seen.title, seen.status, seen.version) == ("s1", "Fix the build", "created", 1)
    assert seen.created_at == seen.updated_at > BEGAN


def test_the_status_follows_the_turn() -> None:
    story = Story()
    seen = [metadata(story).status]
    story.says("Go")
    seen.append(metadata(story).status)
    call = story.call()
    story.answers(call)
    story.asks(call.call_id)
    story.suspended()
    seen.append(metadata(story).status)
    assert metadata(story).waiting == 1
    story.resumed()
    story.failed()
    seen.append(metadata(story).status)
    assert metadata(story).waiting == 0
    story.resumed()
    story.answers("Done")
    story.completed()
    seen.append(metadata(story).status)
    story.do(lambda session: commands.sessions.close(session, story.by))
    seen.append(metadata(story).status)
    assert seen == ["created", "active", "suspended", "failed", "idle", "closed"]
    assert metadata(story).turn_count == 1


def test_a_fork_says_where_it_comes_from_and_keeps_the_count() -> None:
    story = Story()
    story.says("Go")
    story.answers("Done")
    story.completed()
    parent = story.session.version
    story.fork(model=OTHER_MODEL)
    seen = metadata(story)
    assert (seen.id, seen.parent, seen.parent_version, seen.version) == ("s2", "s1", parent, 1)
    assert (seen.turn_count, seen.model, seen.status) == (1, OTHER_MODEL, "idle")


def test_the_list_has_every_session_and_no_rule_book() -> None:
    story = Story()
    story.says("Go")
    call = story.call()
    story.answers(call)
    story.answered(story.asks(call.call_id), allow=True, remember="global")
    story.fork()
    story.do(lambda session: commands.sessions.rename(session, story.by, "Another way"))
    listed = project(SESSIONS, story.log)
    assert {name: seen.title for name, seen in listed.items()} == {"s1": "Fix the build", "s2": "Another way"}
    assert [seen.status for seen in listed.values()] == ["active", "idle"]
