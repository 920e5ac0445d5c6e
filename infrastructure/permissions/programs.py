"""Tables: the programs that run another command or code of their own, and how each takes it.

From the manual pages of coreutils 9, util-linux 2.38, findutils 4.9, sudo 1.9, doas 6.8, strace 6 and bash 5.2.
"""

import re
from dataclasses import dataclass
from typing import Final

from .shellwords import word_set


@dataclass(frozen=True, slots=True)
class Form:
    """How options and operands come before the inner command.

    `plain` and `valued` are option letters without and with a value, `attached` those whose value, if any, is in the
    same word; `names` and `valued_names` the long options. `operands` come before the command.
    """

    plain: str = ""
    valued: str = ""
    attached: str = ""
    names: str = ""
    valued_names: str = ""
    operands: int = 0
    assignments: bool = False


FORMS: Final = {
    "builtin": Form(),
    "chronic": Form(plain="ev"),
    "command": Form(plain="p"),
    "coproc": Form(),
    "doas": Form(plain="Lns", valued="aCu"),
    "env": Form(
        plain="i0v",
        valued="uCa",
        names="ignore-environment null debug block-signal default-signal ignore-signal list-signal-handling",
        valued_names="unset chdir argv0",
        assignments=True,
    ),
    "exec": Form(plain="cl", valued="a"),
    "fakeroot": Form(),
    "flock": Form(
        plain="senoxuFv",
        valued="wE",
        names="shared exclusive unlock nonblock close no-fork verbose",
        valued_names="timeout wait conflict-exit-code",
        operands=1,
    ),
    "ionice": Form(plain="t", valued="cn", names="ignore", valued_names="class classdata"),
    "ltrace": Form(plain="bcCfiLrStTV", valued="aADeFlnopsuwx"),
    "nice": Form(plain="0123456789", valued="n", valued_names="adjustment"),
    "nocache": Form(valued="n"),
    "nohup": Form(),
    "setsid": Form(plain="cfw", names="ctty fork wait"),
    "stdbuf": Form(valued="ioe", valued_names="input output error"),
    "strace": Form(plain="cCdfFhikqrtTvVwxyYzZDn", valued="abeEIoOpPsSuUX"),
    "sudo": Form(
        plain="AbBEeHiKklNnPSsv",
        valued="aCcDghpRrTtuU",
        names="askpass background bell preserve-env login non-interactive preserve-groups reset-timestamp set-home"
        " shell stdin validate",
        valued_names="auth-type close-from login-class chdir group host prompt chroot role command-timeout type"
        " user other-user",
        assignments=True,
    ),
    "time": Form(),  # the keyword, whose only option is one -p; the program has others
    "timeout": Form(
        plain="fpv",
        valued="ks",
        names="foreground preserve-status verbose",
        valued_names="kill-after signal",
        operands=1,
    ),
    "torsocks": Form(plain="i"),
    "unbuffer": Form(plain="p"),
    "xargs": Form(
        plain="0oprtx",
        valued="adEILnPs",
        attached="eil",
        names="null open-tty interactive no-run-if-empty verbose exit show-limits eof replace max-lines",
        valued_names="arg-file delimiter max-args max-procs max-chars process-slot-var",
    ),
}
MULTICALL: Final = frozenset({"busybox", "toybox"})
# Their arguments vary too much to be told apart.
LOOSE: Final = word_set(
    """
    arch bwrap catchsegv chroot chrt dbus-run-session entr faketime firejail gdb numactl nsenter parallel perf
    pkexec prlimit proot proxychains proxychains4 rlwrap runcon runuser setarch setpriv softlimit ssh
    start-stop-daemon su systemd-run taskset torify trickle unshare uv uvx valgrind watch xvfb-run
    """
)
# Programs one of whose subcommands runs what follows it.
SUBCOMMANDS: Final = {
    "bundle": ("exec",),
    "cargo": ("watch",),
    "docker": ("exec", "run"),
    "git": ("bisect", "foreach", "for-each-repo"),
    "hatch": ("run",),
    "kubectl": ("exec", "run"),
    "npm": ("exec", "x"),
    "pdm": ("run",),
    "pipenv": ("run",),
    "pnpm": ("exec", "dlx"),
    "podman": ("exec", "run"),
    "poetry": ("run",),
    "yarn": ("exec", "dlx"),
}
FD: Final = frozenset({"fd", "fdfind"})
SHELLS: Final = word_set("ash bash dash fish ksh ksh93 mksh rbash sh yash zsh")
FIND: Final = frozenset({"find", "bfs"})
FIND_ACTIONS: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
FD_ACTIONS: Final = frozenset({"-x", "-X", "--exec", "--exec-batch"})
# Options whose value a shell reads.
SCRIPT_OPTIONS: Final = {
    "flock": ("-c", "--command"),
    "git": ("-x", "-O", "--exec", "--extcmd", "--open-files-in-pager", "--receive-pack", "--upload-pack"),
    "rg": ("--pre", "--hostname-bin"),
    "rsync": ("-e", "--rsh", "--rsync-path"),
    "runuser": ("-c", "--command", "--session-command"),
    "script": ("-c", "--command"),
    "sort": ("--compress-program",),
    "su": ("-c", "--command", "--session-command"),
    "tar": (
        "-I",
        "--use-compress-program",
        "--to-command",
        "--checkpoint-action",
        "--info-script",
        "-F",
        "--rsh-command",
    ),
    "vim": ("-c", "--cmd"),
}
# The last part of a git setting whose value is a command.
GIT_COMMAND_KEYS: Final = word_set(
    """
    askpass clean cmd command driver editor external fsmonitor helper pager process program sshcommand smudge
    textconv
    """
)
# Variables from which common programs take a command.
ASSIGNED_COMMANDS: Final = word_set(
    """
    BROWSER CC EDITOR GIT_ASKPASS GIT_EDITOR GIT_EXTERNAL_DIFF GIT_PAGER GIT_PROXY_COMMAND GIT_SEQUENCE_EDITOR
    GIT_SSH GIT_SSH_COMMAND LESSCLOSE LESSOPEN MANPAGER PAGER PROMPT_COMMAND PS0 PS1 PS4 RSYNC_RSH SHELL SSH_ASKPASS
    SUDO_ASKPASS TAR_OPTIONS VISUAL
    """
)
# Builtins that expand `$(…)` in words that were quoted, when those name an array element.
EVALUATING: Final = word_set(
    """
    [ [[ declare export let local printf read readonly test typeset unset wait mapfile readarray getopts
    """
)
# Programs that run code from a file, an argument or their input.
INTERPRETERS: Final = SHELLS | word_set(
    """
    awk bun clisp deno ed elixir emacs erl ex expect gawk ghc gnuplot groovy guile irb java jshell julia lua luajit
    make gmake m4 mawk mysql nawk nim node nodejs nvim ocaml octave osascript perl perl5 php psql pwsh pypy pypy3
    python python2 python3 R Rscript racket ruby sbcl scala sed sqlite3 swift tclsh ts-node tsx vi vim wish
    """
)
VERSIONED: Final = re.compile(r"(?:python|pypy|perl|ruby|lua|node|php)[\d.]+")
WRAPPERS: Final = frozenset({*FORMS, *MULTICALL, *LOOSE, *FIND, *SHELLS, *FD, "eval", "script"})


def is_interpreter(name: str) -> bool:
    """Whether a program, by its base name, runs code that its arguments only point to."""
    return name in INTERPRETERS or VERSIONED.fullmatch(name) is not None
