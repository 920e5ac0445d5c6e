"""Names that begin alike, as a range that an index can go through."""

_LAST = "\U0010ffff"


def behind(prefix: str) -> str | None:
    """The first text, by code point, behind all that begin so; None where nothing is behind them."""
    kept = prefix.rstrip(_LAST)
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates are in no text
