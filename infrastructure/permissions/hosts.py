"""URLs: which host a fetch goes to, where all readers of the URL agree on it; and any host that some reader sees."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

_MOST_URL: Final = 4096  # characters
# Nothing but a plain host may stand before the first slash: no user, no escapes, no `?` or `#`, where readers differ.
_HTTPS: Final = re.compile(r"https://(?P<host>[a-z0-9.-]+)(?::443)?(?:/[!-\[\]-~]*)?", re.ASCII | re.IGNORECASE)


def url_refusal(url: str, hosts: tuple[str, ...]) -> str | None:
    """Why a URL is not plain https to one of these hosts at its default port; None if it is."""
    if len(url) > _MOST_URL:
        return f"the URL has more than {_MOST_URL} characters"
    found = _HTTPS.fullmatch(url)
    if found is None:
        return "the URL is not plain https to a host at its default port"
    host = found["host"].lower()
    return None if host in hosts else f"the host {host} is not in the rule"


def may_reach(url: str) -> Iterator[str]:
    """Every host that some reader of the URL could see in it, among much that is none."""
    text = "".join(character for character in unquote(url) if unicodedata.category(character)[0] not in "CZ")
    text = unicodedata.normalize("NFKC", text).casefold().replace("\\", "/")
    # Scheme, user, host, port, path, query and fragment, wherever a reader may take them to begin.
    yield from (part.strip(".") for part in re.split(r"[/?#@:;]+", text))
