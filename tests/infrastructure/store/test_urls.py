"""An unusable URL is answered with the valid ones, and never with its password."""

import pytest

from turnlog.domain import (
    InvalidInput,
    StoreError,
)

from .refusals import SECRET, refusal


@pytest.mark.parametrize(
    "url",
    [
        "",
        "log.db",
        "/tmp/log.db",
        "mysql://host/db",
        "sqlite:",
        "sqlite:///",
        "sqlite://log.db",
        "sqlite:///a%00b",
        "sqlite:///log.db?mode=ro",
        "memory:x",
        "sqlite:///a\nb?x",
        "postgresql://host/db?schema=",
        "postgresql://host/db?schema=a;b",
        "postgresql://host/db?schema=pg_catalog",
        "postgresql://host/db?schema=Upper",
    ],
    ids=ascii,
)
def test_an_unusable_url_is_answered_with_the_valid_forms(url: str) -> None:
    refusal(url, InvalidInput, "sqlite:///", "postgresql://", "memory:")


def test_memory_of_sqlite_has_a_name_of_its_own() -> None:
    refusal("sqlite:///:memory:", InvalidInput, "memory:")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ada:{SECRET}@host:port/db",
        f"postgresql://ada:{SECRET}%zz@host/db",
        f"postgresql://ada:{SECRET}@{SECRET}@host/db?nosuch=1",
        f"postgresql://ada:{SECRET}/x?@host:1:2/db",
        f"postgresql://ada:{SECRET}@host/db?schema=a-b",
        f"postgresql://host/db?password={SECRET}&nosuch=1",
        f"postgresql://host/db?%70assword={SECRET}&nosuch=1",
        f"mysql://ada:{SECRET}@host/db",
    ],
)
def test_an_unusable_url_does_not_give_its_password_away(url: str) -> None:
    refusal(url, InvalidInput)


def test_an_option_with_a_bad_value_is_named() -> None:
    refusal("postgresql://127.0.0.1:1/db?sslmode=perhaps", StoreError, "sslmode")
