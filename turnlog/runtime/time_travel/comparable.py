"""Values side by side, as predicates compare them."""

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from pydantic import JsonValue

from turnlog.domain import InvalidInput

Value = JsonValue | Decimal

_SHOWN = 40
_FINITE = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?")


def alike(left: Value, right: Value) -> tuple[Value, Value]:
    """Numbers as exact numbers; amounts of money are texts in JSON and count as numbers beside one."""
    numbers = _is_number(left), _is_number(right)
    return (_number(left) if any(numbers) else left), (_number(right) if any(numbers) else right)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _number(value: Value) -> Value:
    """The exact number, also that of a text which is one; anything else, and what is not finite, as it was."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    try:
        return Decimal(str(value)) if _FINITE.fullmatch(str(value)) else value
    except InvalidOperation:  # an exponent of many digits
        return value


def within(left: Value, right: Value) -> bool:
    """Whether a value is in another: a text in a text, anything in a list, a key in an object. Raises InvalidInput."""
    if right is None:
        return False
    if isinstance(right, str):
        if isinstance(left, str):
            return left in right
    elif isinstance(right, list | dict):
        return any(one == other for one, other in (alike(left, each) for each in right))
    raise InvalidInput(f"{shown(left)} cannot be in {shown(right)}; only texts, lists and objects hold something")


_ORDERS: Mapping[str, Callable[[Decimal | str, Decimal | str], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def ordered(sign: str, left: Value, right: Value) -> bool:
    """Whether numbers or texts are in this order; null is in none. Raises InvalidInput."""
    if left is None or right is None:
        return False
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return bool(_ORDERS[sign](left, right))
    if isinstance(left, str) and isinstance(right, str):
        return bool(_ORDERS[sign](left, right))
    raise InvalidInput(f"{shown(left)} and {shown(right)} have no order; compare numbers, or texts")


def shown(value: Value) -> str:
    """A value in an error."""
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
