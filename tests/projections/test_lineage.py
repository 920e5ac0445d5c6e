"""Sessions that came of each other, by forks and for subagents: what a tree used is the sum of its parts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from turnlog.domain import Usage
from turnlog.projections import Metadata, Row, children_of, in_tree, of_sessions, subtree, summed

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def forests(draw: st.DrawFn) -> list[Metadata]:
    """Sessions, each begun by itself, as a fork of an earlier one, or to work for one."""
    found: list[Metadata] = []
    for number in range(draw(st.integers(1, 12))):
        origin = draw(st.none() | st.sampled_from(found)) if found else None
        at = BEGUN + timedelta(seconds=number)
        alone = Metadata(id=f"s{number}", title="", model="", project=None, created_at=at, updated_at=at, version=1)
        forked, above = draw(st.booleans()), None if origin is None else origin.id
        found.append(replace(alone, parent=above) if forked else replace(alone, spawned_by=above))
    return found


def row(session: str, tokens: int) -> Row:
    """What a session used."""
    usage = Usage(input_tokens=tokens).model_dump()
    return {"session_id": session, "turn_id": "t", "responses": 1, "cost_usd": 0, "unpriced": 1, **usage}


@given(forests(), st.data())
def test_what_a_tree_used_is_what_its_root_used_and_the_trees_below(
    forest: list[Metadata], data: st.DataObject
) -> None:
    rows = [row(each.id, data.draw(st.integers(0, 99))) for each in forest]
    children = children_of(forest)

    def used(root: str) -> int:
        (total,) = summed(of_sessions(rows, subtree(root, children)))
        return total.usage.input_tokens

    def alone(session: str) -> int:
        return sum(each["input_tokens"] for each in rows if each["session_id"] == session)

    for each in forest:
        assert used(each.id) == alone(each.id) + sum(used(child) for child in children.get(each.id, ()))
    roots = [each.id for each in forest if each.parent is None and each.spawned_by is None]
    assert sum(used(root) for root in roots) == sum(alone(each.id) for each in forest)


@given(forests())
def test_a_tree_has_each_session_once_below_the_one_it_came_from(forest: list[Metadata]) -> None:
    placed = in_tree(forest)
    assert sorted(each.session.id for each in placed) == sorted(each.id for each in forest)
    depths = dict[str, int]()
    for each in placed:
        origin = each.session.parent or each.session.spawned_by
        assert each.under == origin
        assert len(each.more) == (0 if origin is None else depths[origin] + 1)
        depths[each.session.id] = len(each.more)


@given(forests())
def test_a_level_of_a_tree_goes_on_where_another_session_follows_there(forest: list[Metadata]) -> None:
    placed = in_tree(forest)
    for place, each in enumerate(placed):
        if each.under is not None:
            assert each.more[-1] == any(later.under == each.under for later in placed[place + 1 :])


ALONE = Metadata(id="", title="", model="", project=None, created_at=BEGUN, updated_at=BEGUN, version=1)


def test_a_session_whose_origin_is_not_shown_stands_at_the_top_in_the_order_given() -> None:
    shown = [replace(ALONE, id=name, parent=parent) for name, parent in (("b", "gone"), ("a", None), ("c", "b"))]
    assert [(each.session.id, each.under) for each in in_tree(shown)] == [("b", None), ("c", "b"), ("a", None)]


def test_sessions_that_say_they_came_from_each_other_are_shown_all_the_same() -> None:
    one, other = replace(ALONE, id="a", parent="b"), replace(ALONE, id="b", parent="a")
    assert [each.session.id for each in in_tree([one, other])] == ["a", "b"]
