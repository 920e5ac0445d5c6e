"""Fronts of packages that import a name when it is asked for."""

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest

FRONTS = [
    *("turnlog.domain", "turnlog.projections", "turnlog.projections.tables", "turnlog.runtime"),
    *("turnlog.infrastructure.models", "turnlog.infrastructure.permissions"),
]


@pytest.mark.parametrize("front", FRONTS)
def test_every_public_name_of_a_front_is_there(front: str) -> None:
    package = import_module(front)
    assert [name for name in package.__all__ if not hasattr(package, name)] == []


@pytest.mark.parametrize("front", FRONTS)
def test_no_name_of_a_front_is_taken_by_a_module_that_is_imported_meanwhile(front: str) -> None:
    package = import_module(front)
    modules = {each.name for each in iter_modules(package.__path__)}
    taken = [name for name in package.__all__ if name in modules and not isinstance(getattr(package, name), ModuleType)]
    assert [name for name in taken if name != "on_demand"] == []  # that one is imported at once


def test_a_front_says_what_it_does_not_have() -> None:
    with pytest.raises(AttributeError, match=r"'turnlog\.domain' has no attribute 'Manager'"):
        getattr(import_module("turnlog.domain"), "Manager")  # noqa: B009 - the name is not there


def test_a_front_imports_no_more_than_what_is_asked_for() -> None:
    program = "import sys\nfrom turnlog.domain import TextBlock\nprint('turnlog.domain.commands' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
