"""The rights of a confinement under each version of Landlock, and how a root is split."""

from pathlib import Path

import pytest

from turnlog.infrastructure import sandbox

grants = sandbox.grants
handled = sandbox.handled
landlock_plan = sandbox.landlock_plan

WRITE_FILE, READ_FILE, MAKE_CHAR, MAKE_BLOCK, REFER, TRUNCATE = 1 << 1, 1 << 2, 1 << 6, 1 << 11, 1 << 13, 1 << 14
PLACES = sandbox.Places((sandbox.Readable("/lib", "/usr/lib"),), ("/work",), ("/work/.git/config",))
READING = 0b1101
WRITING = handled(6) & ~(MAKE_CHAR | MAKE_BLOCK)


@pytest.mark.parametrize(("version", "bits"), [(1, 13), (2, 14), (3, 15), (4, 15), (5, 16), (6, 16), (7, 16), (99, 16)])
def test_every_right_a_version_knows_is_handled(version: int, bits: int) -> None:
    assert handled(version) == (1 << bits) - 1


@pytest.mark.parametrize(
    ("version", "net", "scope"), [(1, 0, 0), (3, 0, 0), (4, 3, 0), (5, 3, 0), (6, 3, 3), (9, 3, 3)]
)
def test_network_and_scopes_are_handled_where_known(version: int, net: int, scope: int) -> None:
    plan = landlock_plan(PLACES, "none", version)
    assert (plan["net"], plan["scope"]) == (net, scope)


def test_an_allowed_network_is_not_handled() -> None:
    assert landlock_plan(PLACES, "all", 6)["net"] == 0


@pytest.mark.parametrize("version", range(1, 10))
def test_no_rule_grants_what_is_not_handled(version: int) -> None:
    plan = landlock_plan(PLACES, "none", version)
    assert [path for path, rights in plan["rules"] if rights & ~plan["fs"]] == []


def test_roots_are_named_by_where_they_lead() -> None:
    rules = dict(landlock_plan(PLACES, "none", 6)["rules"])
    assert (rules["/usr/lib"], "/lib" in rules) == (READING, False)


def test_devices_cannot_be_made_in_a_writable_root() -> None:
    rights = dict(landlock_plan(PLACES, "none", 6)["rules"])["/work"]
    assert rights & (MAKE_CHAR | MAKE_BLOCK) == 0
    assert rights & WRITE_FILE
    assert rights & REFER
    assert rights & TRUNCATE


def test_a_root_without_carve_outs_is_granted_whole(workspace: Path) -> None:
    assert list(grants(str(workspace), WRITING, READING, ["/elsewhere/.git"])) == [(str(workspace), WRITING)]


def test_a_readable_root_is_never_split(workspace: Path) -> None:
    carved = [str(workspace / ".git")]
    assert list(grants(str(workspace), READ_FILE, READING, carved)) == [(str(workspace), READ_FILE)]


def test_a_root_is_split_around_its_carve_outs(workspace: Path) -> None:
    (workspace / "link").symlink_to("source")
    granted = grants(str(workspace), WRITING, READING, [str(workspace / ".git/hooks"), str(workspace / ".git/config")])
    assert {str(Path(path).relative_to(workspace)): rights == WRITING for path, rights in granted} == {
        ".": False,
        ".git": False,
        ".git/hooks": False,
        ".git/config": False,
        ".git/HEAD": True,
        ".git/objects": True,
        "README": True,
        "source": True,
    }


def test_names_that_only_begin_alike_are_not_carved_out(workspace: Path) -> None:
    (workspace / ".git-other").mkdir()
    granted = dict(grants(str(workspace), WRITING, READING, [str(workspace / ".git")]))
    assert granted[str(workspace / ".git-other")] == WRITING
    assert granted[str(workspace / ".git")] == READING
