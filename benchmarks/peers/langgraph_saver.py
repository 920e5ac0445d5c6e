"""LangGraph with AsyncPostgresSaver: a graph of three nodes, each adding its message; durability `sync`."""

from collections.abc import Sequence
from contextlib import asynccontextmanager

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from .peer import Opened, Said

NODES = ("think", "call", "answer")


def _message(said: Said, call_id: str) -> AnyMessage:
    if said.role == "user":
        return HumanMessage(said.text)
    return ToolMessage(said.text, tool_call_id=call_id) if said.role == "tool" else AIMessage(said.text)


class LangGraphConversation:
    """A thread. What its nodes are to say waits here, since a graph is compiled once for all threads."""

    def __init__(self, graph, name: str) -> None:
        self._graph = graph
        self._config = {"configurable": {"thread_id": name}}

    async def turn(self, number: int, said: Sequence[Said]) -> None:
        """The person's message is the input; each of the others a superstep with a checkpoint of its own."""
        first, *others = (_message(each, f"call-{number}") for each in said)
        config = {"configurable": {**self._config["configurable"], "said": dict(zip(NODES, others, strict=True))}}
        await self._graph.ainvoke({"messages": [first]}, config, durability="sync")

    async def load(self) -> int:
        """The latest state."""
        state = await self._graph.aget_state(self._config)
        return len(state.values["messages"])


class LangGraphPeer:
    """A compiled graph."""

    def __init__(self, saver: AsyncPostgresSaver) -> None:
        builder = StateGraph(MessagesState)
        for node in NODES:
            builder.add_node(node, _node(node))
        for before, after in zip((START, *NODES), (*NODES, END), strict=True):
            builder.add_edge(before, after)
        self._graph = builder.compile(checkpointer=saver)

    async def session(self, name: str) -> LangGraphConversation:
        """A new thread."""
        return LangGraphConversation(self._graph, name)


def _node(name: str):
    async def say(state: MessagesState, config: dict) -> dict:
        return {"messages": [config["configurable"]["said"][name]]}

    say.__annotations__ = {}
    return say


@asynccontextmanager
async def opened(url: str) -> Opened:
    """A saver with a connection pool, as its documentation has it."""
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(url, min_size=1, max_size=32, kwargs=settings, open=False) as pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        yield LangGraphPeer(saver)
