"""Files whose change runs code later, or whose content is a secret: they are asked about, whatever a rule says."""

from collections.abc import Iterable
from fnmatch import fnmatchcase, translate
from typing import Final

from .shellwords import word_set

# All in small letters: names are compared case-folded.
_VERSION_CONTROL: Final = """
    .git git~1 .gitattributes .gitconfig .gitmodules .hg .hgrc .svn .bzr .jj _darcs .fslckout
    .husky .githooks .lefthook .lefthook.yml lefthook.yml .lefthook.toml lefthook.toml .overcommit.yml
    .pre-commit-config.yaml .pre-commit-hooks.yaml
"""
_AGENTS: Final = """
    .agent .agents .aider .aider.conf.yml .amazonq .amp .augment .claude .claude.json .cline .clinerules .codex
    .continue .copilot .crush .cursor .cursorignore .cursorrules .gemini .goose .goosehints .junie .kiro .mcp .mcp.json
    mcp.json .opencode opencode.json opencode.jsonc .qwen .roo .roomodes .trae .windsurf .windsurfrules
    agents.md agents.override.md claude.md claude.local.md copilot-instructions.md gemini.md
"""
_EDITORS: Final = """
    .devcontainer .devcontainer.json .dir-locals.el .dir-locals-2.el .emacs .emacs.d .exrc .fleet .gdbinit .idea
    .lldbinit .nvim .nvim.lua .nvimrc .screenrc .tmux.conf .vim .vimrc .vs .vscode .zed
"""
_SHELLS: Final = """
    .bash_aliases .bash_login .bash_logout .bash_profile .bashrc .config .cshrc .direnv .envrc .inputrc .kshrc .local
    .login .logout .mise .mise.toml mise.toml .mkshrc .pam_environment .profile .tcshrc .tool-versions .xinitrc
    .xprofile .xsession .xsessionrc .zlogin .zlogout .zprofile .zshenv .zshrc config.fish
"""
_PACKAGES: Final = """
    .bazelrc .bundle .cargo .condarc .gemrc .m2 .mavenrc .mvn .npmrc .pip .pnpmfile.cjs .pnpmrc .pypirc .terraform.d
    .terraformrc .yarn .yarnrc .yarnrc.yml bunfig.toml pip.conf sitecustomize.py usercustomize.py
"""
_SECRETS: Final = """
    .aws .azure .boto .curlrc .docker .dockercfg .env .gcloud .git-credentials .gnupg .htpasswd .kube .my.cnf
    .mylogin.cnf .netrc _netrc .oci .password-store .pgpass .s3cfg .secret .secrets .ssh .vault-token .wgetrc
    credentials.json id_dsa id_ecdsa id_ecdsa_sk id_ed25519 id_ed25519_sk id_rsa secrets.json secrets.toml secrets.yaml
    secrets.yml
"""
# Where turnlog keeps what was decided, and by which rules.
_OWN_PATTERNS: Final = word_set("turnlog.db* *.rules.toml *.rules.json *.rules.jsonl")
_OWN_NAMES: Final = word_set(".turnlog turnlo~1")
_NAMES: Final = word_set(" ".join((_VERSION_CONTROL, _AGENTS, _EDITORS, _SHELLS, _PACKAGES, _SECRETS)))
_SECRET_NAMES: Final = word_set(f"{_SECRETS} .npmrc .pypirc")
_SECRET_PATTERNS: Final = word_set(".env.* *.env *.pem *.key *.p12 *.pfx *.jks *.keystore *.kdbx *.ppk")
_PATTERNS: Final = _SECRET_PATTERNS | word_set("*.code-workspace")
_TEMPLATES: Final = frozenset({".env.dist", ".env.example", ".env.sample", ".env.template"})


def protected_part(parts: Iterable[str]) -> str | None:
    """The first part of a path that is protected, with all that is below it."""
    return next((part for part in parts if _is_own(_plain(part)) or _is_protected(_plain(part))), None)


def own_part(parts: Iterable[str]) -> str | None:
    """The first part of a path that names a file of turnlog's own: a rule file, a database, a directory of them."""
    return next((part for part in parts if _is_own(_plain(part))), None)


def secret_part(parts: Iterable[str]) -> str | None:
    """The first part of a path that names a file, or a directory of files, whose content is a secret."""
    return next((part for part in parts if _is_secret(_plain(part))), None)


def secret_pattern() -> str:
    """A regular expression for names that `secret_part` finds, case-folded and without dots and blanks at the end."""
    templates, secrets = (
        "|".join(map(translate, sorted(globs))) for globs in (_TEMPLATES, _SECRET_NAMES | _SECRET_PATTERNS)
    )
    return f"(?!{templates})(?:{secrets})"


def _plain(part: str) -> str:
    # Some file systems do not tell case apart, and drop dots and blanks at the end of a name.
    return part.casefold().rstrip(". ")


def _is_own(name: str) -> bool:
    return name in _OWN_NAMES or any(fnmatchcase(name, glob) for glob in _OWN_PATTERNS)


def _is_protected(name: str) -> bool:
    return name in _NAMES or _is_like(name, _PATTERNS)


def _is_secret(name: str) -> bool:
    return name in _SECRET_NAMES or _is_like(name, _SECRET_PATTERNS)


def _is_like(name: str, patterns: frozenset[str]) -> bool:
    return name not in _TEMPLATES and any(fnmatchcase(name, glob) for glob in patterns)
