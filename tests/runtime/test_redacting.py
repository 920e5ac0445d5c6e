"""Known secrets in texts: found in every form that programs write them in, and nothing else is touched."""

import base64
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnlog.domain import InvalidInput
from turnlog.runtime.turns.redacting import RedactedStream, Redactor

TOKEN = 'tok/en+"1ö\\x&= Zq'
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=8, max_size=40).filter(
    lambda text: len(text.strip()) >= 8 and "secret" not in text
)
FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "url": lambda text: quote(text, safe=""),
    "url with slashes": quote,
    "form": quote_plus,
    "url in small letters": lambda text: re.sub("%..", lambda code: code.group().lower(), quote(text, safe="")),
    "json": lambda text: json.dumps(text)[1:-1],
    "json as it is read": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text))[3:-3],
    "python": lambda text: repr(text)[1:-1],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
}


def known(*values: str) -> Redactor:
    return Redactor({f"S{number}": value for number, value in enumerate(values, 1)})


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_in_every_form(form: str) -> None:
    found: Counter[str] = Counter()
    assert known(TOKEN).text(f"before {FORMS[form](TOKEN)} after", found) == "before [secret S1] after"
    assert found == {"S1": 1}


@given(secret=SECRETS, form=st.sampled_from(sorted(FORMS)), before=ANY_TEXT, after=ANY_TEXT)
def test_whatever_stands_around_a_secret_it_is_gone(secret: str, form: str, before: str, after: str) -> None:
    written = FORMS[form](secret)
    redactor = known(secret)
    said = redactor.text(f"{before}{written}{after}")
    assert written not in said.replace("[secret S1]", "\0")
    assert "[secret S1]" in said


@given(secret=SECRETS, before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_base64_hides_a_secret_at_none_of_its_three_places(secret: str, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    said = known(secret).text(f"Basic {encoded}.")
    assert "[secret S1]" in said
    left = said.removeprefix("Basic ").removesuffix(".").split("[secret S1]")
    # What is left of it holds the other bytes, and of the secret less than its outermost ones.
    assert sum(map(len, left)) * 6 <= (len(before) + len(after)) * 8 + 4 * 8 + 12


@given(secret=SECRETS, text=ANY_TEXT)
def test_a_text_without_it_stays_as_it_is(secret: str, text: str) -> None:
    bare = text.replace("\r", "").replace("\n", "")
    if secret not in bare and not any(form(secret) in bare for form in FORMS.values()):
        assert known(secret).text(text) == text


@given(st.data())
def test_line_ends_in_the_middle_hide_nothing(data: st.DataObject) -> None:
    written = base64.b64encode(TOKEN.encode()).decode()
    place = data.draw(st.integers(1, len(written) - 1))
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    assert known(TOKEN).text(f"a\nb {written[:place]}{end}{written[place:]}\nc") == "a\nb [secret S1]\nc"


def test_a_secret_of_several_lines_is_found() -> None:
    key = "-----BEGIN KEY-----\nabcdefgh\nijklmnop\n-----END KEY-----\n"
    assert known(key).text(f"it is\n{key}so") == "it is\n[secret S1]\nso"
    assert known(key).text(json.dumps({"key": key})) == '{"key": "[secret S1]"}'


def test_each_line_of_a_key_is_a_secret_but_for_the_frame() -> None:
    key = "-----BEGIN KEY-----\nabcdefgh\nijklmnop\n-----END KEY-----\n"
    numbered = "1\t-----BEGIN KEY-----\n2\tabcdefgh\n3\tijklmnop\n4\t-----END KEY-----"
    left = "1\t-----BEGIN KEY-----\n2\t[secret S1]\n3\t[secret S1]\n4\t-----END KEY-----"
    assert known(key).text(numbered) == left


def test_secrets_that_overlap_leave_nothing_of_either() -> None:
    assert known("abcdefghij", "fghijklmnop").text("<abcdefghijklmnop>") == "<[secret S1]>"
    assert known("aaaaaaaa").text("b" + "a" * 21 + "b") == "b[secret S1]b"


def test_values_are_redacted_however_deep_names_and_numbers_too() -> None:
    found: Counter[str] = Counter()
    value = known("12345678", "password1").json({"password1": [{"n": 12345678, "m": 12, "t": True, "x": None}]}, found)
    assert value == {"[secret S2]": [{"n": "[secret S1]", "m": 12, "t": True, "x": None}]}
    assert found == {"S1": 1, "S2": 1}


@given(cuts=st.lists(st.integers(0, 400), max_size=12), form=st.sampled_from(sorted(FORMS)))
def test_what_comes_in_pieces_is_redacted_as_the_whole(cuts: list[int], form: str) -> None:
    text = f"a line\n{FORMS[form](TOKEN)} and again {FORMS[form](TOKEN)}\nthe end, tok/e"
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    stream = RedactedStream(known(TOKEN))
    said = [stream.feed(text[start:end]) for start, end in pairwise(places)]
    assert "".join((*said, stream.end())) == known(TOKEN).text(text)


def test_a_stream_holds_back_no_more_than_might_be_a_secret() -> None:
    stream = RedactedStream(known("abcdefghij"))
    assert stream.feed("all of this, and abc") == "all of this, and "
    assert stream.feed("d, no") == "abcd, no"


def test_what_may_go_on_is_no_part_of_a_secret_that_is_there() -> None:
    redactor = known("abcdefghia", "another one")
    assert redactor.begun("so: abcdefghia") == len("abcdefghia")
    assert redactor.begun("so: abcdefghi ") == 0


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_stream_that_never_tells_is_told_in_the_end(size: int) -> None:
    stream = RedactedStream(known("aaaaaaaa"))
    said = [stream.feed("a" * size) for _ in range(1000)]
    assert "[secret S1]" in "".join(said)
    assert "aaaaaaaa" not in "".join((*said, stream.end()))


@pytest.mark.parametrize("value", ["", "short", "1234567", "  1234567  ", "1234\n567"])
def test_a_secret_too_short_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"secret KEY has fewer than 8"):
        Redactor({"KEY": value})


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "ä", "A" * 200])
def test_a_name_is_that_of_a_variable(name: str) -> None:
    with pytest.raises(InvalidInput, match="the name of a secret"):
        Redactor({name: "long enough"})


def test_a_name_does_not_give_the_secret_away() -> None:
    with pytest.raises(InvalidInput, match="give one of them away") as refused:
        Redactor({"hunter2hunter2": "hunter2hunter2"})
    assert "hunter2" not in str(refused.value)


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@pytest.mark.parametrize("kind", ["of other text", "with all of them"])
def test_a_megabyte_and_twenty_secrets_take_no_time_to_speak_of(kind: str) -> None:
    values = [f"{number:02}-Kq7/{number * 7919:08x}+{number * 104729:010x}=" for number in range(20)]
    line = "the quick brown fox jumps over the lazy dog 0123456789\n"
    text = line * (2**20 // len(line))
    if kind == "with all of them":
        step = len(text) // 20
        text = "".join(text[number * step : (number + 1) * step] + value for number, value in enumerate(values))
    redactor = known(*values)
    assert redactor.text(text).count("[secret ") == (20 if kind == "with all of them" else 0)
    assert min(seconds(lambda: redactor.text(text)) for _ in range(7)) < 0.05
