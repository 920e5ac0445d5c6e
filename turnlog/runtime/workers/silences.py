"""Which workers are gone: their processes have ended, or nobody heard of them for longer than a lease lasts."""

from collections.abc import Collection

from ..environment import Environment


async def gone_among(env: Environment, workers: Collection[str]) -> set[str]:
    """Those whose sessions others may take; asked for all at once. Raises StoreError."""
    gone = {worker for worker in workers if env.is_gone(worker)}
    left = set(workers) - gone
    if left and env.heartbeats is not None:
        silences = await env.heartbeats.silences(left)
        gone |= {worker for worker, silent in silences.items() if silent > env.settings.lease_seconds}
    return gone
