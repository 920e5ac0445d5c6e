"""Values of the calling program that tools are given, by their types."""

from collections.abc import Mapping, Sequence

from turnlog.domain import InvalidInput


def by_type(values: Sequence[object]) -> Mapping[type, object]:
    """Values by their types, as tools ask for them. Raises InvalidInput where two have the same."""
    found: dict[type, object] = {}
    for value in values:
        if type(value) in found:
            raise InvalidInput(f"two values of the state are of the type {type(value).__name__}; put them into one")
        found[type(value)] = value
    return found
