"""A shell script as it is shown to tree-sitter's grammar, and as it is written."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Node

ENCODING: Final = "utf16le"
_WIDTH: Final = 2  # bytes a character, since none that is shown lies beyond U+00FF

# The grammar's scanner looks characters up in a table of 256 without looking how large they are, and so reads
# foreign memory for others: `{` before an emoji ends the process. It also takes characters for blanks that are none
# to bash. Both are shown to it as a letter that is no part of a name.
_SHOWN_FOR_ODD: Final = "\u00ff"
_ODD: Final = re.compile(r"\\[^\x21-\x7e\n]|[\r\v\f]|[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a script, of which nodes are stretches."""

    text: str

    def shown(self) -> bytes:
        """What the grammar reads, in ENCODING: character for character as long as the text."""
        return _ODD.sub(_letter, self.text).encode("utf-16-le")

    def start(self, node: "Node") -> int:
        """Where in the text a node begins."""
        return node.start_byte // _WIDTH

    def end(self, node: "Node") -> int:
        """Where in the text a node has ended."""
        return node.end_byte // _WIDTH

    def of(self, node: "Node") -> str:
        """What is written where the node is."""
        return self.text[self.start(node) : self.end(node)]

    def behind(self, node: "Node") -> str:
        """The character behind the node; empty at the end."""
        end = self.end(node)
        return self.text[end : end + 1]


def _letter(odd: re.Match[str]) -> str:
    return "\\" + _SHOWN_FOR_ODD if len(odd[0]) > 1 else _SHOWN_FOR_ODD
