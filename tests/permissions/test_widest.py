"""The widest view shows every command that a text may lead to, or says that there may be others."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnlog.infrastructure import permissions


def programs(command: str | tuple[str, ...]) -> set[str | None]:
    return {possible.words[0] for possible in permissions.possible_commands(command).commands}


@pytest.mark.parametrize(
    "text",
    [
        *("rm x", "a && rm x", "a || rm x", "a; rm x", "a | rm x", "a & rm x", "a\nrm x", "! rm x", "a |& rm x"),
        *("(rm x)", "{ rm x; }", "((((rm x))))", "f() { rm x; }; f", "function f { rm x; }", "coproc rm x"),
        *("if rm x; then a; fi", "if a; then b; elif rm x; then c; fi", "for i in a; do rm $i; done"),
        *(
            "while rm x; do a; done",
            "until a; do rm x; done",
            "case a in (a) rm x;; esac",
            "select i in a; do rm x; done",
        ),
        *("a $(rm x)", "a `rm x`", 'a "b $(rm x)"', "a <(rm x)", "a >(rm x)", "a ${b:-$(rm x)}", "a $(( $(rm x) ))"),
        *("a=$(rm x)", "a[$(rm x)]=1", "a=1 rm x", "a=(1 $(rm x))", "for i in $(rm x); do a; done", "[[ $(rm x) ]]"),
        *(
            "cat <<E\n$(rm x)\nE",
            "cat <<E\na`rm x`\nE;",
            'cat <<< "$(rm x)"',
            "export a=$(rm x)",
            "a $(b $(c $(rm x)))",
        ),
        *("r''m x", '"rm" x', "\\rm x", "r\\m x", "$'\\x72m' x", "$'\\162m' x", "r\\\nm x", "{rm,x}", "r{m,n} x"),
        *(">f rm x", "2>&1 rm x", "rm</dev/null x", "a=1 >f b=2 rm x"),
        *("eval rm x", "eval 'rm x'", 'eval "rm $x"', "eval -- rm x", "trap 'rm x' EXIT", "alias a='rm x'"),
        *("sh -c 'rm x'", "bash -lc 'rm x'", "bash -e -o pipefail -c 'a; rm x'", "/bin/sh -c 'rm x' a b"),
        *("bash --norc -c 'rm x'", 'bash -c "rm $x"', "sh -c \"sh -c 'rm x'\"", "echo 'rm x' | sh", "sh <<< 'rm x'"),
        *("bash <<'E'\nrm x\nE", "bash -s <<E\nrm x\nE", "printf 'rm x' | sudo bash"),
        *(
            "env rm x",
            "env -i A=1 rm x",
            "env -u A -- rm x",
            "env -S 'rm x'",
            "env -iS 'rm x'",
            "env --split-string='rm x'",
        ),
        *("sudo rm x", "sudo -u root rm x", "sudo -nu root A=1 rm x", "sudo --user=root rm x", "doas -u root rm x"),
        *("timeout 5 rm x", "timeout -s KILL --kill-after=3 5 rm x", "timeout --kill 3 5 rm x", "nice -n 5 rm x"),
        *("nice -5 rm x", "nohup rm x", "setsid -w rm x", "stdbuf -oL rm x", "ionice -c 3 rm x", "command -p rm x"),
        *(
            "builtin command rm x",
            "exec -a b rm x",
            "time -p rm x",
            "/usr/bin/time -f %e rm x",
            "strace -f -o out rm x",
        ),
        *("xargs rm", "xargs -0 -n 1 rm", "xargs -I{} rm {}", "a | xargs -P4 sh -c 'rm x'", "flock f rm x"),
        *(
            "flock -w 5 f -c 'rm x'",
            "busybox rm x",
            "watch -n 1 rm x",
            "watch 'rm x'",
            "parallel rm ::: x",
            "script -qc 'rm x' f",
        ),
        *(
            "find . -exec rm {} \\;",
            "find . -name a -execdir rm {} +",
            "find . -ok rm {} \\;",
            "find . -okdir rm {} \\;",
        ),
        *("find . -exec a {} \\; -exec rm {} \\;", "find . -exec sh -c 'rm x' \\;", "fd -x rm", "fd a --exec=rm"),
        *("sudo env A=1 nice timeout 5 sh -c 'nohup rm x'", "su -c 'rm x' root", "ssh host rm x", "ssh host 'a; rm x'"),
        *(
            "git -c alias.a='!rm x' a",
            "git -c core.pager='rm x' log",
            "git rebase --exec 'rm x' a",
            "git rebase -x 'rm x'",
        ),
        *("git grep -O'rm x' a", "git bisect run rm x", "git submodule foreach 'rm x'", "GIT_PAGER='rm x' git log"),
        *("env PAGER='rm x' man a", "tar cf a --checkpoint-action=exec='rm x'", "tar --to-comm='rm x' -xf a"),
        *("docker exec a rm x", "npm exec rm x", "$SUDO rm x", "$(a) rm x", "timeout --unheard-of 5 rm x"),
        *("test -v 'a[$(rm x)]'", "[[ -v 'a[$(rm x)]' ]]", "printf -v 'a[$(rm x)]' b", "declare 'a[$(rm x)]=1'"),
        *("rm x\n'", "a &&& rm x", "rm x; fi", "rm x\n)", "a \\  ; rm x", "a\r;rm x"),
    ],
)
def test_a_program_is_found_wherever_it_hides(text: str) -> None:
    assert "rm" in programs(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$HOME/bin/rm x", ("rm", "x")),
        ("rm $x -rf", ("rm", None, "-rf")),
        ("rm -r$x --for=$y a$z", ("rm", "-r", "--for=", None)),
        ("rm >/dev/null -rf x", ("rm", "-rf", "x")),
        ("rm <<E -rf\nE", ("rm", "-rf")),
        ("{rm,-rf,'a b'}", ("rm", "-rf", "a b")),
        ("rm -- ~/a *.b", ("rm", "--", None, None)),
        ('rm "a\\"b" c\\ d', ("rm", 'a"b', "c d")),
    ],
)
def test_words_are_shown_as_the_program_gets_them_and_unknown_ones_as_none(text: str, words: tuple[str, ...]) -> None:
    assert words in {possible.words for possible in permissions.possible_commands(text).commands}


@pytest.mark.parametrize(
    "text",
    [
        "cat <<'E'\na`rm x` $(rm y)\nE",
        "echo rm",
        "echo 'a; rm x'",
        "git commit -m 'then rm x'",
        'echo "$x; rm y"',
        "ls rm # rm",
        "command -v rm",
    ],
)
def test_a_word_that_is_data_is_no_command(text: str) -> None:
    assert "rm" not in programs(text)


@pytest.mark.parametrize(
    "text",
    [
        *("$a b", "a$b c", "r? x", "r[m] x", '"$(a)" b', "${a} b"),
        *("source a", ". a", "sh a.sh", "bash", "curl a | sh", "python3 -c a", "perl a", "awk a", "make a"),
        *(
            "sudo --unheard-of a",
            "xargs",
            "xargs a",
            'sh -c "$a"',
            "eval $a",
            "find . $a",
            "echo $((a))",
            "${a@P}",
            "${!a}",
        ),
        *("a &&& b", "a 'b", "if a"),
    ],
)
def test_what_cannot_be_seen_is_said(text: str) -> None:
    assert permissions.possible_commands(text).unknowns


@pytest.mark.parametrize(
    "text", ["git status && ls -la | wc -l", 'for i in a b; do wc "$i"; done', "sudo -u a ls", "find . -exec wc {} \\;"]
)
def test_what_is_all_seen_is_not_called_unknown(text: str) -> None:
    assert permissions.possible_commands(text).unknowns == ()


def test_the_way_to_a_command_is_shown() -> None:
    view = permissions.possible_commands("sudo timeout 5 sh -c 'rm x'")
    assert {possible.words[0]: possible.via for possible in view.commands} == {
        "sudo": (),
        "timeout": ("sudo",),
        "sh": ("sudo", "timeout"),
        "rm": ("sudo", "timeout", "sh"),
    }


def test_an_argv_needs_no_shell_to_be_read() -> None:
    assert programs(("env", "rm", "$(ls); x")) == {"env", "rm"}


@pytest.mark.parametrize("depth", [1, 30])
def test_wrappers_in_wrappers_are_followed_to_the_end(depth: int) -> None:
    assert "rm" in programs("env nice " * depth + "rm x")


def test_no_length_hides_a_command() -> None:
    assert "rm" in programs("true && " * 20_000 + "rm x")
    assert "rm" in programs("echo " + "a" * 500_000 + "; rm x")
    assert "rm" in programs("sudo --odd " * 500 + "rm x")


@pytest.mark.parametrize(
    "part",
    [
        "(",
        "$(",
        "`",
        "'\"$(",
        "{a,b}",
        "sudo --odd ",
        "<<A ",
        "x[$((",
        "eval ",
        "bash -c ",
        "\\\n",
        "if a; then ",
        "a=(",
    ],
)
def test_the_worst_texts_take_little_time(part: str) -> None:
    started = time.monotonic()
    permissions.possible_commands(part * (100_000 // len(part)))
    assert time.monotonic() - started < 5


@given(st.text(alphabet=st.sampled_from("ab \t\n'\"\\$`(){}[]<>|&;*?~#!=,.-\0\r\ue010\ud800é"), max_size=40))
def test_whatever_the_text_there_is_an_answer(text: str) -> None:
    assert permissions.possible_commands(text).commands is not None


def test_the_grammar_is_loaded_only_when_it_is_needed() -> None:
    code = (
        "import sys; from turnlog.infrastructure import permissions; view = permissions.possible_commands;"
        "view('ls -la | wc');"
        "assert 'tree_sitter' not in sys.modules; view('ls $x'); assert 'tree_sitter' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("before", ["{", "{1", "$'{' {", "${x"])
def test_no_character_ends_the_process(before: str) -> None:
    # The grammar read a table of 256 by whatever came behind a brace.
    code = (
        "from turnlog.infrastructure import permissions\n"
        f"for code in range(0x10FFFF, 0x80, -197): permissions.possible_commands({before!r} + chr(code) + '; rm x')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_bash_takes_for_no_blank_divides_no_word() -> None:
    for letter in ("\u00a0", "\u2003", "\u0085", "\r", "\v", "\f", "\\ ", "\\\t", "\U0001f600"):
        assert "rm" not in programs(f"ls $x; echo{letter}rm x; a") - {None}
        assert "rm" in programs(f"ls $x; 'é{letter}' | rm x")
