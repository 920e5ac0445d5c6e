"""Facts by what they mean: vectors that somebody makes of texts, and how near these are to each other."""

import asyncio
from array import array
from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from operator import mul
from typing import TypeAlias

from turnlog.domain import Embedder, Fact, InvalidInput

Vector: TypeAlias = "array[float]"


class Meanings:
    """The vectors of the facts of one memory, each made once; those of facts that are gone are dropped."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vector] = {}

    async def nearest(self, text: str, facts: Mapping[str, Fact]) -> list[str]:
        """The ids of the facts, that of the nearest in meaning first. Raises InvalidInput, what the embedder raises."""
        before = self._known
        kept = {memory_id: before[memory_id] for memory_id in facts if memory_id in before}
        fresh = [memory_id for memory_id in facts if memory_id not in kept]
        made = await self._embedder.embed([text, *(facts[memory_id].text for memory_id in fresh)])
        if len(made) != len(fresh) + 1:
            raise self._wrong(f"{len(made)} vectors of {len(fresh) + 1} texts")
        wanted, *units = await asyncio.to_thread(lambda: [self._unit(vector) for vector in made])
        known = kept | dict(zip(fresh, units, strict=True))
        lengths = {len(wanted), *map(len, known.values())}
        if len(lengths) > 1:
            raise self._wrong(f"vectors of {min(lengths)} and of {max(lengths)} numbers")
        meanwhile = {memory_id: vector for memory_id, vector in self._known.items() if memory_id not in before}
        self._known = meanwhile | known
        return await asyncio.to_thread(_nearest, wanted, known)

    def _unit(self, vector: Sequence[float]) -> Vector:
        """A vector of length 1 in the same direction; of nothing, nothing. So products alone tell how near two are."""
        length = sqrt(sum(map(mul, vector, vector)))
        if not isfinite(length):
            raise self._wrong("a vector with a number that is not finite")
        return array("d", (number / length for number in vector)) if length else array("d", vector)

    def _wrong(self, made: str) -> InvalidInput:
        return InvalidInput(
            f"the embedder {type(self._embedder).__name__} made {made}; "
            "it has to make one vector of each text, all of one length"
        )


def _nearest(wanted: Vector, vectors: Mapping[str, Vector]) -> list[str]:
    near = {memory_id: sum(map(mul, wanted, vector)) for memory_id, vector in vectors.items()}
    return sorted(near, key=lambda memory_id: -near[memory_id])
