"""What tree-sitter sees in a shell script: every command anywhere in it, and whether it understood all of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from time import thread_time
from typing import TYPE_CHECKING, Final

from .decoding import UNKNOWN, decode
from .misreading import is_misread
from .shellwords import KEYWORDS
from .source import ENCODING, Source

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MOST_CHARACTERS: Final = 200_000  # beyond it only the words are looked at
_MOST_SECONDS: Final = 1  # of processor time; the grammar needs the square of it for some nonsense
_CHUNK: Final = 4096  # bytes
_DEEPEST: Final = 200  # nodes within nodes; likewise

_MISREAD: Final = "a part that cannot be parsed"

Words = tuple[str, ...]

_CONTAINERS: Final = {"redirected_statement", "list", "pipeline", "negated_command"}
_LINE_JOIN: Final = re.compile(r"\\\n")
_SEPARATORS: Final = re.compile(r"[;&|\n()<>`]+|\$\(")
_PLAIN_WORD: Final = re.compile(r"(?:\\[ \t]|[^ \t\n])+")
_QUOTED_WORD: Final = re.compile(r"""(?:\\.|'[^']*'|"(?:[^"\\]|\\.)*"|[^ \t\n])+""")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*(?:\[[^]]*\])?\+?=")


@dataclass(slots=True)
class Script:
    """What is found: commands as decoded words, texts that a shell may be given as input or that are expanded like a
    string in double quotes, assignments, and what stays unknown.
    """

    commands: list[Words] = field(default_factory=list[Words])
    inputs: list[str] = field(default_factory=list[str])
    expanded: list[str] = field(default_factory=list[str])
    assignments: list[str] = field(default_factory=list[str])
    unknowns: list[str] = field(default_factory=list[str])


def read(text: str) -> Script:
    """Read a script as widely as possible. Raises nothing, whatever the text."""
    if len(text) > MOST_CHARACTERS:
        return read_words(text, f"a script of more than {MOST_CHARACTERS} characters")
    script = Script()
    _parse(text, script)
    if "\\\n" in text:  # the grammar splits words where bash joins lines
        _parse(_LINE_JOIN.sub("", text), script)
    if _MISREAD in script.unknowns:
        script.commands += _by_words(text)
    return script


def read_words(text: str, reason: str) -> Script:
    """Take every stretch of words as a command, where a script is not parsed for that reason."""
    return Script(commands=list(_by_words(text)), unknowns=[reason])


@cache
def _parser() -> "Parser":
    # Loaded when a text is first outside the strict grammar: it takes some milliseconds.
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def _parse(text: str, script: Script) -> None:
    source = Source(text)
    nodes = _nodes(source.shown())
    if not nodes or is_misread(nodes, source):
        script.unknowns.append(_MISREAD)
    for node in nodes:
        _visit(node, source, script)


def _nodes(shown: bytes) -> list["Node"]:
    """All nodes in the order of the text; none when it takes too long, or when they are nested too deeply.

    What is looked at is each node with all below it, so depth costs time as well.
    """
    parser = _parser()
    deadline = thread_time() + _MOST_SECONDS

    def is_late(_at: int, _has_error: bool) -> bool:
        return thread_time() > deadline

    try:
        tree = parser.parse(lambda at, _: shown[at : at + _CHUNK], encoding=ENCODING, progress_callback=is_late)
    except ValueError:
        parser.reset()
        return []
    found: list[Node] = []
    waiting = [(tree.root_node, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            return []
        found.append(node)
        waiting += [(child, depth + 1) for child in reversed(node.children)]
    return found


def _visit(node: "Node", source: Source, script: Script) -> None:
    match node.type:
        case "command":
            raw = [*_raw_words(node, source), *_behind_redirections(node, source)]
            script.commands.append(tuple(word for each in raw for word in decode(each)))
        case "declaration_command" | "unset_command" | "test_command":
            script.commands.append((source.of(node.children[0]), UNKNOWN, *_strings(node, source)))
        case "variable_assignment":
            script.assignments += decode(source.of(node))
        case "heredoc_body":
            script.inputs.append(source.of(node))
            script.expanded += _expanded(node, source)
        case "herestring_redirect":
            script.inputs += decode(source.of(node).removeprefix("<<<").strip())
        case "arithmetic_expansion":
            script.unknowns.append("arithmetic, which evaluates the text of variables")
        case "expansion" if any(child.type in {"!", "@"} for child in node.children):
            script.unknowns.append("an expansion whose result is expanded again")
        case _:
            pass


def _expanded(body: "Node", source: Source) -> list[str]:
    """A here-document whose substitutions run: one without a quote in its delimiter. The grammar misses some."""
    text = source.of(body)
    opening = [source.of(child) for child in (body.parent or body).children if child.type == "heredoc_start"]
    is_quoted = any(mark in delimiter for delimiter in opening for mark in "'\"\\")
    return [text] if not is_quoted and ("`" in text or "$(" in text) else []


def _strings(node: "Node", source: Source) -> Iterator[str]:
    """The words and strings anywhere in a node, decoded."""
    if node.type in {"word", "raw_string", "string", "ansi_c_string", "concatenation", "subscript", "variable_name"}:
        yield from decode(source.of(node))
    else:
        for child in node.children[1:] if node.type == "declaration_command" else node.children:
            yield from _strings(child, source)


def _raw_words(node: "Node", source: Source) -> list[str]:
    """The text of each word; neighbours without a blank between them are one word to bash."""
    pieces: list[tuple[int, str]] = []
    for child in node.children:
        if child.type in {"variable_assignment", "file_redirect", "herestring_redirect", "heredoc_redirect"}:
            continue
        if pieces and pieces[-1][0] == child.start_byte:
            pieces[-1] = (child.end_byte, pieces[-1][1] + source.of(child))
        else:
            pieces.append((child.end_byte, source.of(child)))
    extra = [
        word for child in node.children if child.type == "file_redirect" for word in _destinations(child, source)[1:]
    ]
    return [text for _, text in pieces] + extra


def _behind_redirections(command: "Node", source: Source) -> list[str]:
    """Words that the grammar counts to a redirection, where bash counts them to the command before it."""
    found: list[str] = []
    node, above = command, command.parent
    while above is not None and above.type in _CONTAINERS:
        if above.type == "redirected_statement":
            for child in above.children:
                found += _destinations(child, source)[1:] if child.type == "file_redirect" else []
                if child.type == "heredoc_redirect":
                    found += [source.of(each) for each in child.children_by_field_name("argument")]
        elif node != above.children[-1]:
            break
        node, above = above, above.parent
    return found


def _destinations(redirection: "Node", source: Source) -> list[str]:
    return [source.of(each) for each in redirection.children_by_field_name("destination")]


def _by_words(text: str) -> Iterator[Words]:
    """Every stretch between separators as a command, with quotes heeded and not: for what no grammar explains."""
    for stretch in _SEPARATORS.split(_LINE_JOIN.sub("", text)):
        for raw in {tuple(word.findall(stretch)): None for word in (_PLAIN_WORD, _QUOTED_WORD)}:
            words = [word for each in raw for word in decode(each)]
            while words and (words[0] in KEYWORDS or words[0] in {"", UNKNOWN} or _ASSIGNMENT.match(words[0])):
                words.pop(0)
            if words:
                yield tuple(words)
