"""What is a word, and what is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnlog.domain import InvalidInput
from turnlog.projections import tables


def found(text: str, wanted: str) -> bool:
    words = tables.words_of(text)
    return all(phrase.is_in(words) for phrase in tables.phrases_of(wanted))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("see src/app.py", "app"),
        ("see src/app.py", "src/app.py"),
        ("Der Ölstand", "olstand"),
        ("LOGIN failed", "login"),
        ("logged in", "log*"),
        ("a_long_name", "long"),
        ("我住在東京都", "東京"),
        ("one two three", '"two three" one'),
    ],
)
def test_a_text_is_found_by_its_words(text: str, wanted: str) -> None:
    assert found(text, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("one two three", '"one three"'), ("logged in", "log"), ("three one", "one/three"), ("one", "one two")],
)
def test_a_text_without_them_is_not(text: str, wanted: str) -> None:
    assert not found(text, wanted)


@pytest.mark.parametrize("wanted", ["", "  ", "…", '""', "*"])
def test_no_word_is_nothing_to_look_for(wanted: str) -> None:
    with pytest.raises(InvalidInput):
        tables.phrases_of(wanted)


@given(st.text())
def test_words_are_made_of_words_alone(text: str) -> None:
    for word in tables.words_of(text):
        assert tables.words_of(word) == [word]


@given(st.text(), st.text(min_size=1))
def test_an_excerpt_is_part_of_the_text(text: str, wanted: str) -> None:
    try:
        phrases = tables.phrases_of(wanted)
    except InvalidInput:
        return
    before, hit, behind = tables.excerpt(text, phrases)
    assert before.removeprefix("…") + hit + behind.removesuffix("…") in text


def test_an_excerpt_shows_where_it_stands() -> None:
    before, hit, behind = tables.excerpt(f"{'x ' * 100}the src/app.py file", tables.phrases_of("app.py"))
    assert (before[-8:], hit, behind) == ("the src/", "app.py", " file")
