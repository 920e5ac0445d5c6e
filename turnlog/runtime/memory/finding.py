"""Which facts have the words that are looked for: asked of the tables, or of the memory itself where there are none."""

import logging
from collections.abc import Mapping, Sequence

from turnlog.domain import Memory, StoreError
from turnlog.projections import MEMORY_TABLE, MemoryQuery, ReadTables, Runner, Target, words_of

from ..environment import Environment

_LOGGER = logging.getLogger(__name__)

Found = Mapping[str, Sequence[str]]
"""The ids of facts, the latest first, by the word that stands in them."""


async def find_facts(env: Environment, query: MemoryQuery) -> Found:
    """The facts that have each of the words; the tables are made, and caught up, on the way. Raises StoreError."""
    if env.read_tables is not None:
        try:
            found = await _in_tables(env, env.read_tables, query)
        except StoreError as error:
            _LOGGER.debug("facts are looked for in the memory itself: %s", error)
        else:
            if found is not None:
                return found
    return _in_memory(await env.memories.read(query.memory), query)


async def _in_tables(env: Environment, tables: ReadTables, query: MemoryQuery) -> Found | None:
    name, version = MEMORY_TABLE.name, MEMORY_TABLE.version
    builds = [each for each in await tables.builds() if (each.name, each.version) == (name, version)]
    serving = next((each for each in builds if each.state == "serving"), None)
    build = serving or await tables.begin(MEMORY_TABLE, anew=False)
    stopped = await Runner(env.log, env.blobs, tables, env.clock).run([Target(MEMORY_TABLE, build)])
    return None if stopped else await tables.facts(version, query)


def _in_memory(memory: Memory, query: MemoryQuery) -> Found:
    found: dict[str, list[str]] = {word: [] for word in query.words}
    for fact in reversed(tuple(memory.facts.values())):
        for word in found.keys() & set(words_of(fact.text)):
            found[word].append(fact.memory_id)
    return {word: ids[: query.most] for word, ids in found.items()}
