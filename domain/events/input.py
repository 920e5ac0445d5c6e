"""Facts about what is said to a turn under way."""

from typing import Annotated, Literal

from pydantic import Field

from ..content import UserBlock
from .turn import TurnEvent

InputKind = Literal["steer", "follow_up", "repair", "notice", "message"]
"""When it reaches the model: with the next request, when the turn would end, or because its answer would not do.

A notice says with the next request what became of background tasks, a message what others of the team say.
"""


class InputQueued(TurnEvent):
    """Something was said that the model has not seen yet. `tasks` are those that a notice is about."""

    input_id: str
    kind: InputKind
    content: tuple[UserBlock, ...]
    tasks: Annotated[tuple[str, ...], Field(exclude_if=lambda value: not value)] = ()


class InputDelivered(TurnEvent):
    """From here on the conversation holds these inputs, in this order."""

    input_ids: tuple[str, ...]
