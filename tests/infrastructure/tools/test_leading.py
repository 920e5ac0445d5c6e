"""Where the paths of a call lead, as the envelope of the call holds it."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import Bounds, Surrounded
from turnlog.infrastructure import tools


def led(tool: str, workspace: Path, bounds: Bounds, **arguments: JsonValue) -> dict[str, str]:
    """The paths in the surroundings of a call."""
    found = tools.BUILTIN_TOOLS[tool]
    assert isinstance(found, Surrounded)
    return dict(found.surroundings(arguments, workspace, bounds).paths)


@pytest.fixture
def linked(workspace: Path) -> Path:
    """A workspace with symlinks."""
    (workspace / "real").mkdir()
    (workspace / "real" / "a").write_text("one")
    (workspace / "link").symlink_to("real")
    (workspace / "real" / "inner").symlink_to("a")
    (workspace / "out").symlink_to("../outside")
    return workspace


@pytest.mark.parametrize("tool", ["read_file", "list_files", "search_files", "write_file", "edit_file"])
def test_a_path_leads_to_what_a_symlink_leads_to(linked: Path, tool: str) -> None:
    assert led(tool, linked, Bounds(), path="link/inner") == {"link/inner": f"{linked}/real/a"}


def test_a_call_that_changes_names_leads_to_the_names_themselves(linked: Path) -> None:
    assert led("delete_file", linked, Bounds(), path="link/inner") == {"link/inner": f"{linked}/real/inner"}
    assert led("move_file", linked, Bounds(), path="link/inner", to="link/new") == {
        "link/inner": f"{linked}/real/inner",
        "link/new": f"{linked}/real/new",
    }


@pytest.mark.parametrize("tool", ["list_files", "search_files"])
def test_a_call_without_a_path_leads_to_the_workspace(linked: Path, tool: str) -> None:
    assert led(tool, linked, Bounds()) == {".": str(linked)}


def test_where_a_path_leads_depends_on_the_bounds(linked: Path) -> None:
    outside = str(linked.parent / "outside")
    assert led("read_file", linked, Bounds(), path="out/secret.txt") == {"out/secret.txt": "out/secret.txt"}
    bounds = Bounds(read_roots=(outside,))
    assert led("read_file", linked, bounds, path="out/secret.txt") == {"out/secret.txt": f"{outside}/secret.txt"}
    assert led("write_file", linked, bounds, path="out/secret.txt") == {"out/secret.txt": "out/secret.txt"}


@pytest.mark.parametrize("path", [None, 1, ["a"]])
def test_what_is_no_text_leads_nowhere(linked: Path, path: JsonValue) -> None:
    assert led("read_file", linked, Bounds(), path=path) == {}
