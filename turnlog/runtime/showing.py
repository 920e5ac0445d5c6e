"""How the calls of the runtime's own tools are shown."""

from collections.abc import Mapping

from pydantic import JsonValue


def shown_call(name: str, arguments: Mapping[str, JsonValue]) -> str:
    """A call with every argument, each on a line of its own."""
    return "\n".join([name, *(f"  {argument}: {value}" for argument, value in arguments.items())])
