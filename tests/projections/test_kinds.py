"""Projections that name the kinds of events they look at need no others."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from turnlog.projections import APPROVALS, FILES_CHANGED, RUNNABLE, UNKNOWN_CALLS, USAGE, Projection, project

from .random_stories import stories
from .story import Story


@given(stories(), st.sampled_from([APPROVALS, FILES_CHANGED, RUNNABLE, UNKNOWN_CALLS, USAGE]))
@settings(max_examples=60, deadline=None)
def test_a_projection_is_the_same_without_the_kinds_it_does_not_name(story: Story, projection: Projection[Any]) -> None:
    kinds = projection.kinds
    assert kinds is not None
    assert project(projection, (one for one in story.log if type(one.event) in kinds)) == project(projection, story.log)
