"""What the limits of a tree of agents leave: before each step the logs of all that count are read on.

What is about to be done counts already while it is decided, so that agents that run side by side in one process do not
all take the last request that is left.
"""

from dataclasses import replace

from turnlog.domain import NOTHING, Account, Session, Spent, fold

from ..environment import Environment
from ..histories import load


class Tree:
    """The sessions that one works for, and those that work for them."""

    def __init__(self, env: Environment, session_id: str) -> None:
        self._env = env
        self._id = session_id
        self._known: dict[str, Session] = {}
        self.accounts: tuple[Account, ...] = ()

    async def read(self, own: Session) -> tuple[Account, ...]:
        """Whose limits count, and what their trees have used; nothing where there are no limits. Raises StoreError."""
        chain = [own]
        while (above := chain[-1].spawned_by) is not None:
            chain.append(await self._read(above.session))
        if any(_limited(session) for session in chain):
            for session in chain:
                await self._read_below(session)
        below = [None, *chain]
        self._known[own.id] = own
        self.accounts = tuple(
            self._account(session, child) for session, child in zip(chain, below, strict=False) if _limited(session)
        )
        return self.accounts

    def promise(self, spent: Spent) -> None:
        """What the session will have used once the step that was just allowed is in the log, at the least."""
        if self._known.get(self._id, Session(self._id)).spawned_by is not None:
            self._env.promised[self._id] = spent

    def forget(self) -> None:
        """Nothing more is about to be done."""
        self._env.promised.pop(self._id, None)

    async def _read(self, session_id: str) -> Session:
        known = self._known.get(session_id)
        if known is None:
            known = await load(self._env, session_id)
        else:
            known = fold(known, await self._env.log.read(session_id, after=known.version))
        self._known[session_id] = known
        return known

    async def _read_below(self, session: Session) -> None:
        for child in session.at_work:
            if child != self._id:
                await self._read_below(await self._read(child))

    def _account(self, session: Session, child: Session | None) -> Account:
        turn_id = session.turn.turn_id if session.turn else None
        in_turn = in_all = NOTHING
        for agent in session.subagents.active:
            used = self._used(agent.child)
            in_all = in_all + used
            if agent.turn_id is not None and agent.turn_id == turn_id:
                in_turn = in_turn + used
        for member in session.team:  # what a teammate uses counts for the session, and for no turn of it
            in_all = in_all + self._used(member.session)
        of_turn = child is None or (child.spawned_by is not None and child.spawned_by.turn_id == turn_id)
        return Account(session, in_turn if of_turn else None, in_all)

    def _used(self, session_id: str) -> Spent:
        session = self._known.get(session_id)
        if session is None:
            return NOTHING
        total = _at_least(session.spent, self._env.promised.get(session_id, NOTHING))
        for child in session.at_work:
            total = total + self._used(child)
        return total


def _limited(session: Session) -> bool:
    return session.limits is not None or (session.turn is not None and session.turn.limits is not None)


def _at_least(spent: Spent, promised: Spent) -> Spent:
    return replace(
        spent,
        rounds=max(spent.rounds, promised.rounds),
        requests=max(spent.requests, promised.requests),
        tool_calls=max(spent.tool_calls, promised.tool_calls),
    )
