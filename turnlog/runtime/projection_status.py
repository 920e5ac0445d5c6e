"""Where a projection stands: which of its tables serve, and which are being filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from turnlog.projections import Build, TableProjection

ProjectionState = Literal["missing", "building", "serving", "stopped", "outdated", "newer"]
"""`outdated` tables are those of an earlier version, which serve older programs until others are built."""


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """Where a projection stands: the tables that serve, those that are being filled, and the end of the log."""

    name: str
    version: int
    state: ProjectionState
    end: int
    serving: Build | None = None
    building: Build | None = None

    @property
    def position(self) -> int:
        """How far the log is in the tables that answer, or will."""
        build = self.serving or self.building
        return 0 if build is None else build.position


def status_of(name: str, version: int, known: Sequence[Build], end: int) -> ProjectionStatus:
    """Where a projection stands, by the builds that are known; version 0 for one that this program does not know."""
    builds = [build for build in known if build.name == name]
    serving = next((build for build in builds if build.state == "serving"), None)
    building = next((build for build in builds if build.state == "building"), None)
    state: ProjectionState = "missing"
    if any(build.stopped for build in builds):
        state = "stopped"
    elif version and any(build.version > version for build in builds):
        state = "newer"
    elif serving is not None:
        state = "outdated" if version and serving.version < version else "serving"
    elif building is not None:
        state = "building"
    return ProjectionStatus(name, version, state, end, serving, building)


def serving_build(projection: TableProjection, known: Sequence[Build]) -> Build | None:
    """The tables that serve this version."""
    for build in known:
        if build.name == projection.name and build.state == "serving" and build.version == projection.version:
            return build
    return None
