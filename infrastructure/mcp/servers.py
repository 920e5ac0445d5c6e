"""MCP servers as a program names them: where they are, what they get to see, and how far they are trusted."""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from turnlog.domain import InvalidInput, NotFound

INHERITED: Final = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")
"""What a server over stdio gets of our environment unless somebody says otherwise."""

CALL_SECONDS: Final = 120.0
CONNECT_SECONDS: Final = 30.0

Secrets = Callable[[str], str]
"""The value of a secret by its name. Raises NotFound."""

_NAME = re.compile(r"[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*")
_MOST_NAME = 32
_SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def no_secrets(name: str) -> str:
    """Where there are none."""
    raise NotFound(f"there is no secret {name!r} here; give it with secrets= where the server is opened")


@dataclass(frozen=True, slots=True)
class StdioServer:
    """A server that is a program of ours. `env` and the variables named in `inherit` are all it gets to see."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    inherit: tuple[str, ...] = INHERITED
    cwd: str | None = None

    @property
    def place(self) -> str:
        """Where it is, in a line, without secrets."""
        inside = "" if self.cwd is None else f" in {self.cwd}"
        return f"stdio: {shlex.join(self.argv)}{inside}"

    def environment(self, ours: Mapping[str, str], secrets: Secrets) -> dict[str, str]:
        """Its whole environment. Raises NotFound."""
        kept = {name: ours[name] for name in self.inherit if name in ours}
        return {**kept, **filled(self.env, secrets)}


@dataclass(frozen=True, slots=True)
class HttpServer:
    """A server behind a URL."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def place(self) -> str:
        """Where it is, in a line; what a URL says of a user or in its query may be a secret."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return f"http: {parts.scheme}://{host}{parts.path}"


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server and the name its tools go by: `mcp__name__tool`. Make one with `stdio` or `http`.

    In the values of environment variables and headers `${NAME}` stands for a secret. Of a server that is `trusted`
    the hints about its tools count: one that says it only reads is run without asking. `call_seconds` is how long a
    call may take, `connect_seconds` how long the server has to start and to list its tools.
    """

    name: str
    transport: StdioServer | HttpServer
    trusted: bool = False
    call_seconds: float = CALL_SECONDS
    connect_seconds: float = CONNECT_SECONDS

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > _MOST_NAME:
            raise InvalidInput(
                f"MCP server {self.name!r}: a name is 1 to {_MOST_NAME} letters, digits, '-', and single '_' inside"
            )
        if not (self.call_seconds > 0 and self.connect_seconds > 0):
            raise InvalidInput(f"MCP server {self.name}: its times must be more than 0 seconds")

    @classmethod
    def stdio(  # noqa: PLR0913 - named, and none changes what another means
        cls,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        inherit: Sequence[str] = INHERITED,
        cwd: str | Path | None = None,
        trusted: bool = False,
        call_seconds: float = CALL_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> "McpServer":
        """A server that is started as a program. Raises InvalidInput."""
        _check_program(name, argv, env or {})
        where = None if cwd is None else str(Path(cwd).resolve())
        transport = StdioServer(tuple(argv), dict(env or {}), tuple(inherit), where)
        return cls(name, transport, trusted, call_seconds, connect_seconds)

    @classmethod
    def http(
        cls,
        name: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        trusted: bool = False,
        call_seconds: float = CALL_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> "McpServer":
        """A server over streamable HTTP. Raises InvalidInput."""
        _check_url(name, url, headers or {})
        return cls(name, HttpServer(url, dict(headers or {})), trusted, call_seconds, connect_seconds)


def filled(values: Mapping[str, str], secrets: Secrets) -> dict[str, str]:
    """Values with their secrets put in. Raises NotFound."""
    return {name: _SECRET.sub(lambda found: secrets(found.group(1)), value) for name, value in values.items()}


def _check_program(name: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
    if isinstance(argv, str) or not argv or not argv[0]:
        raise InvalidInput(f"MCP server {name}: argv is a list of words that begins with a program")
    if any("\0" in text for text in (*argv, *env, *env.values())) or any("=" in variable for variable in env):
        raise InvalidInput(f"MCP server {name}: no program can be given this argv or environment")


def _check_url(name: str, url: str, headers: Mapping[str, str]) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise InvalidInput(f"MCP server {name}: the URL cannot be read ({error})") from None
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidInput(f"MCP server {name}: the URL begins with http:// or https:// and names a host")
    if parts.scheme == "http" and not _is_local(host) and any(map(_SECRET.search, headers.values())):
        raise InvalidInput(f"MCP server {name}: secrets go to other machines over https:// only")
    for header, value in headers.items():
        if not _HEADER.fullmatch(header) or not value.isprintable():
            raise InvalidInput(f"MCP server {name}: {header!r} is no header that can be sent")


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
