"""Check that a wheel and an sdist hold exactly what is meant to be published.

Usage: wheel_contents.py WHEEL SDIST
"""

import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZipFile

ROOT = Path(__file__).parent.parent


def setuptools() -> dict[str, Any]:
    """Return what pyproject.toml tells setuptools."""
    pyproject: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: dict[str, Any] = pyproject["tool"]["setuptools"]
    return found


def shipped_packages() -> set[str]:
    """Return the import packages named in pyproject.toml."""
    return set(setuptools()["packages"])


def shipped_stubs() -> set[str]:
    """Return the stubs of the fronts, by where they are in the wheel: without one its package has no names."""
    rooms = {name: ROOT / path for name, path in setuptools()["package-dir"].items()}
    fronts = {(name, stub.relative_to(room)) for name, room in rooms.items() for stub in room.rglob("__init__.pyi")}
    return {PurePosixPath(*name.split("."), stub).as_posix() for name, stub in fronts}


def wheel_faults(wheel: Path) -> Iterator[str]:
    """Say what is wrong with the files in the wheel."""
    files = [PurePosixPath(name) for name in ZipFile(wheel).namelist()]
    code = [file for file in files if not file.parts[0].endswith(".dist-info")]
    tops = {file.parts[0] for file in code}
    if tops != {"turnlog"}:
        yield f"top-level names should be turnlog alone, not {sorted(tops)}"
    packages = {".".join(file.parent.parts) for file in code if file.name == "__init__.py"}
    if wrong := packages ^ shipped_packages():
        yield f"packages differ from pyproject.toml: {sorted(wrong)}"
    stubs = {str(file) for file in code if file.suffix == ".pyi"}
    if wrong := stubs ^ shipped_stubs():
        yield f"stubs differ from those of the fronts: {sorted(wrong)}"
    if tests := [str(file) for file in code if "tests" in file.parts or file.match("test_*.py")]:
        yield f"tests were shipped: {tests}"
    if PurePosixPath("turnlog/py.typed") not in code:
        yield "turnlog/py.typed is missing"
    if not any(file.name == "LICENSE" for file in files):
        yield "LICENSE is missing"


def sdist_faults(sdist: Path) -> Iterator[str]:
    """Say what is wrong with the files in the sdist."""
    with tarfile.open(sdist) as archive:
        rooms = {PurePosixPath(name).parts[1:2] for name in archive.getnames()}
    if ("tests",) in rooms:
        yield "tests are in the sdist"
    for needed in ("domain", "projections", "infrastructure", "turnlog", "LICENSE", "README.md"):
        if (needed,) not in rooms:
            yield f"{needed} is missing from the sdist"


def main(wheel: str, sdist: str) -> int:
    """Print every fault on a line of its own; return the exit code."""
    faults = [*wheel_faults(Path(wheel)), *sdist_faults(Path(sdist))]
    sys.stderr.writelines(f"wheel-check: {fault}\n" for fault in faults)
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
