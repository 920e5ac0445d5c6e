"""The state version after version is the view of each prefix."""

from hypothesis import HealthCheck, given, settings

from tests.projections.random_stories import stories
from tests.projections.story import Story
from turnlog.domain import Session, fold
from turnlog.projections import view
from turnlog.runtime.time_travel.unfolding import Unfolding


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=stories())
def test_every_version_of_any_story_is_the_view_of_its_prefix(story: Story) -> None:
    told = Unfolding("x")
    for place, record in enumerate(story.history, start=1):
        told.take(record)
        prefix = story.history[:place]
        assert told.document() == view(fold(Session("x"), prefix), prefix), place


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=stories())
def test_what_did_not_change_is_the_very_object_it_was(story: Story) -> None:
    told = Unfolding("x")
    before: dict[str, object] = {}
    for record in story.history:
        told.take(record)
        for name in ("calls", "messages", "background", "usage"):
            now = told.section(name)
            if name in before and before[name] == now and name != "usage":
                assert before[name] is now or name == "messages", name
            before[name] = now
