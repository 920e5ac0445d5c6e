"""How the tests look at what a store refuses with."""

import traceback

import pytest

from turnlog.domain import (
    TurnlogError,
)
from turnlog.infrastructure import store

SECRET = "hunter2"


def refusal(url: str, kind: type[TurnlogError], *words: str) -> str:
    """Open the URL, and return the one line it is refused with."""
    with pytest.raises(TurnlogError) as caught:
        store.open_store(url)
    assert type(caught.value) is kind
    return one_line(caught.value, *words)


def one_line(error: BaseException, *words: str) -> str:
    text = str(error)
    assert SECRET not in "".join(traceback.format_exception(error))
    assert "\n" not in text
    assert SECRET not in text
    for word in words:
        assert word in text
    return text
