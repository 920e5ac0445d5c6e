"""`--limit NAME=VALUE`: how much a turn may use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from turnlog.domain import Limits

NAMES = ("rounds", "requests", "tool_calls", "tokens", "cost", "seconds")

LimitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=VALUE",
        help=f"How much the turn may use in all: {', '.join(NAMES)} (cost in US dollars, seconds from its start). "
        "May be repeated.",
        show_default=False,
    ),
]


def limits_of(given: Sequence[str] | None) -> "Limits | None":
    """The limits as they were typed; None where there are none. Raises typer.BadParameter."""
    if not given:
        return None
    from pydantic import ValidationError

    from turnlog.domain import Limits

    values: dict[str, str] = {}
    for each in given:
        name, _, value = each.partition("=")
        if name not in NAMES or not value or name in values:
            raise _refused(
                f"{each!r} is not one of {', '.join(f'{known}=VALUE' for known in NAMES)}, each at most once"
            )
        values[name] = value
    try:
        return Limits.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise _refused(f"{problem['loc'][0]}={problem['input']}: {problem['msg']}") from error


def _refused(message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint="--limit")
