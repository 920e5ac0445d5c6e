"""Facts about what is said to a turn under way."""

from typing import Literal

from ..content import UserBlock
from .turn import TurnEvent

InputKind = Literal["steer", "follow_up", "repair"]
"""When it reaches the model: with the next request, when the turn would end, or because its answer would not do."""


class InputQueued(TurnEvent):
    """Something was said that the model has not seen yet."""

    input_id: str
    kind: InputKind
    content: tuple[UserBlock, ...]


class InputDelivered(TurnEvent):
    """From here on the conversation holds these inputs, in this order."""

    input_ids: tuple[str, ...]
