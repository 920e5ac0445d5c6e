"""Random command lines, rich in what shells treat specially."""

import random
from collections.abc import Iterator
from typing import Final

_COMMANDS: Final = (
    "git status -s --porcelain=v1",
    "git log --oneline -5 HEAD~2..HEAD^ -- src/main.py",
    "git show stash@{0}:a.txt | head -n 20",
    "git diff --stat origin/main...HEAD 2>/dev/null",
    "ls -la src && cat README.md",
    "cat 'a file.txt' \"b file.txt\" c\\ file.txt",
    "grep -rn 'foo.*bar' src | sort -u | uniq -c",
    'grep -E "^(a|b)\\.c$" x.log',
    'grep -n "it\'s" a.txt || echo none',
    "find . -name '*.py' -not -path 'venv/x*'",
    "find . -type f -name \\*.c -exec wc -l {} \\;",
    "sed -n '1,20p' a.txt",
    "awk '{print $1}' a.txt | sort",
    "python3 -c 'print(\"hello; world\")'",
    "echo hello world > /dev/null 2>&1",
    "echo 'a'\\''b' \"c d\"e",
    "make test >/dev/null 2>/dev/null; echo done",
    "cd src; pwd",
    "for f in a b; do wc $f; done",
    "if test -f a; then cat a; fi",
    "A=1 B=2 env sort -k2,2 -t: a.txt",
    "echo $HOME ${x:-y} $(date) `id`",
    "tar tzf x.tar.gz | head",
    "cat <<EOF\nhello $x\nEOF\nls",
    "wc -l < a.txt > b.txt",
    "[ -f a ] && ! false",
    "(ls; pwd) | { cat; wc; }",
    "sleep 1 & wait",
    "rg -n --type=py 'def \\w+' src # comment",
    "curl -s https:x.y | jq '.a[0].b'",
    "ls *.txt a?b [ab] ~ ~root a~b x=~ {a,b}c a{1..3}",
    "f() { ls; }; f",
    "case a in a) ls;; *) pwd;; esac",
    "time -p ls; command -v git; coproc ls",
    "echo naïve ‘x’ ünï 漢字 à \u00a0 b",
    "diff <(ls a) <(ls b)",
    "((x++)); [[ a == b* ]]; let x=1",
    "a[0]=1 b+=2 ls; %1; !!; ^a^b",
)
_ATOMS: Final = (
    *"abcxyz" * 2,
    *"019",
    *"-_./:,@%+=^~",
    *"""'"\\$`!*?[]{}()<>|&;#""",
    *("''", '""', "'a b'", '"c d"', "\\ ", "\\;", "\\'", '\\"', "\\\\", "\\$", "\\n", "\\\n", "$'", '$"', "'\"'"),
    *("&&", "||", "|", ";", "\n", "|&", ";;", "&>", ">>", "2>&1", ">&2", "2>/dev/null", ">/dev/null", " > /dev/null "),
    *(
        "if",
        "then",
        "fi",
        "!",
        "time",
        "do",
        "in",
        "{",
        "}",
        "[[",
        "]]",
        "case",
        "function",
        "eval",
        "cd",
        "test",
        "echo",
    ),
    *(
        "$x",
        "${x}",
        "$(a)",
        "`a`",
        "$((1))",
        "<(a)",
        "<<a",
        "<<<",
        "a=",
        "a=1",
        "b+=",
        "a[0]=",
        "a:~",
        "=~",
        "{a,b}",
        "#a",
    ),
    *("é", "à", "漢", "\u2028", "\u00a0", "\u200b", "\r", "\t", "\x01", "\x7f"),
)
_BLANKS: Final = ("", "", " ", " ", " ", "  ", "\t")


def random_text(source: random.Random) -> str:
    """A run of atoms, or a command that somebody might write with a few characters changed."""
    return _run(source) if source.random() < 0.5 else _changed(source)


def random_texts(seed: int) -> Iterator[str]:
    """An endless stream, the same for the same seed."""
    source = random.Random(seed)
    while True:
        yield random_text(source)


def _run(source: random.Random) -> str:
    # Starting with a word, and mostly with harmless atoms, many enough are accepted.
    plain = source.random()
    atoms = [source.choice(_ATOMS[:25] if source.random() < plain else _ATOMS) for _ in range(source.randint(1, 12))]
    return "".join(f"{atom}{source.choice(_BLANKS)}" for atom in ("a", *atoms))


def _changed(source: random.Random) -> str:
    text = source.choice(_COMMANDS)
    for _ in range(source.randint(0, 4)):
        at = source.randint(0, len(text))
        end = min(len(text), at + source.choice((0, 0, 1, 3)))
        inserted = (
            source.choice((*_ATOMS, "", "", "")) if source.random() < 0.7 else text[end : end + source.randint(1, 6)]
        )
        text = text[:at] + inserted + text[end:]
    return text
