"""Text as it is safe on a terminal: nothing in the data can move the cursor, change colours or hide."""

from datetime import UTC, datetime

_TAB = "    "


class _Shown(dict[int, str]):
    """What to show for a character, worked out when it is first met."""

    def __missing__(self, number: int) -> str:
        shown = self._shown(chr(number))
        self[number] = shown
        return shown

    @staticmethod
    def _shown(character: str) -> str:
        if character == "\n":
            return character
        if character == "\t":
            return _TAB
        if character in "\r\v\f":
            return f"\\u{ord(character):04x}"
        if " " <= character <= "~":
            return character
        from turnlog.projections import one_line

        return one_line(f"<{character}>")[1:-1]


_SHOWN = _Shown()


def safe(text: str) -> str:
    """The whole text with its line breaks; characters that are not seen as code points."""
    return text.translate(_SHOWN)


def safe_line(text: str) -> str:
    """The whole text on one line."""
    return safe(" ".join(text.split()))


def count(number: int, thing: str) -> str:
    """A number of things."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def indented(text: str, prefix: str = "    ") -> str:
    """Every line behind a prefix, so that nothing in the text passes for a line of ours."""
    return "\n".join(f"{prefix}{line}".rstrip() for line in safe(text).split("\n"))


def moment(when: datetime) -> str:
    """A time, in UTC, to the second."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
