"""One call, and what came of it: an answer, a refusal, nothing sent, or nobody knows."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED, PARSE_ERROR
from pydantic import JsonValue, ValidationError

from .connection import Connection, Progress
from .http import UNANSWERED, Fate, fate

_FORGOTTEN: Final = "Session terminated"
_NO_ANSWER: Final = "Unexpected content type"


@dataclass(frozen=True, slots=True)
class Answer:
    """The tool's result, an error of the tool's own included."""

    result: types.CallToolResult


@dataclass(frozen=True, slots=True)
class Rejected:
    """The server's no to the call, or an answer that is none of the tool's."""

    why: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """The server has not seen the call."""

    why: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The server may have seen the call, and done what it asks for."""

    why: str


Outcome = Answer | Rejected | Unsent | Unanswered


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as the server gets it, and how long it may take."""

    tool: str
    arguments: Mapping[str, JsonValue]
    seconds: float


async def ask(connection: Connection, asked: Asked, progress: Progress) -> Outcome:
    """Make a call. Only cancellation is raised; the server is told of it."""
    mine = Fate()
    token = fate.set(mine)
    try:
        async with asyncio.timeout(asked.seconds):
            return Answer(await connection.call(asked.tool, asked.arguments, progress))
    except MCPError as error:
        return _outcome(error, mine, connection)
    except TimeoutError:
        return Unanswered(f"it did not answer within {asked.seconds:g} s")
    except ValidationError:
        return Unanswered("its answer is not what the protocol says")
    except RuntimeError as error:  # the library holds structured results against the schema the server gave
        return Rejected(f"it answered, but not as its own schema says: {error}")
    except Exception as error:  # noqa: BLE001 - whatever breaks on the way, the call was on its way
        return Unanswered(f"{type(error).__name__}: {error}")
    finally:
        fate.reset(token)


def _outcome(error: MCPError, mine: Fate, connection: Connection) -> Outcome:
    if mine.unsent is not None:
        return Unsent(f"it could not be reached ({mine.unsent})")
    if mine.status is not None:
        return _over_http(error, mine.status, connection)
    if error.code == CONNECTION_CLOSED and not connection.alive:
        return Unanswered(f"the connection was lost ({connection.report})")
    return _no(error)


def _over_http(error: MCPError, status: int, connection: Connection) -> Outcome:
    if status == 404 and error.message == _FORGOTTEN:
        connection.report.end("the server has forgotten the connection")
        return Unsent("the server has forgotten the connection, which is made anew with the next call; call again")
    if status == UNANSWERED:
        return Unanswered("the connection broke off before an answer (HTTP 502, or nothing)")
    if status == 202 or status >= 500:
        return Unanswered(f"the answer was none (HTTP {status})")
    if 300 <= status < 500:
        return Rejected(f"{error.message} (HTTP {status})")
    if error.code in (CONNECTION_CLOSED, PARSE_ERROR) or error.message.startswith(_NO_ANSWER):
        return Unanswered(error.message)
    return _no(error)


def _no(error: MCPError) -> Rejected:
    return Rejected(f"{error.message} (error {error.code})")
