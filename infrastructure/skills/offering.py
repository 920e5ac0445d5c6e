"""Skills on offer: what the prompt says of them, and the tool that loads one."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from turnlog.domain import ToolContext, ToolOutput, ToolSpec, TurnlogError
from turnlog.projections import one_line

from ..tools.output import failure, to_output
from ..tools.render import show_call
from ..tools.threads import in_thread
from .reading import Skill, read_skill, read_skills

LOAD_SKILL: Final = "load_skill"
_SHORT = 12

_SPEC = ToolSpec(
    name=LOAD_SKILL,
    description="Load the instructions of a skill by its name, before doing what it is for.",
    parameters={
        "type": "object",
        "properties": {"name": {"type": "string", "description": "The skill, as it is called in the list of skills."}},
        "required": ["name"],
        "additionalProperties": False,
    },
    effect="pure",
)

_INTRODUCTION = f"""\
# Skills

Instructions for particular tasks. Before a task that one of them is for, load it with {LOAD_SKILL} and follow it."""


class Skills:
    """The skills of a directory, as they were when it was read: `system=skills.prompt(…)`, `tools=[skills.tool]`."""

    def __init__(self, root: Path, skills: Sequence[Skill]) -> None:
        self._root = root
        self._skills = {skill.name: skill for skill in skills}

    @classmethod
    def read(cls, directory: str | Path) -> "Skills":
        """Read every SKILL.md below a directory. Blocks. Raises InvalidInput, NotFound."""
        root = Path(directory)
        return cls(root.resolve(), read_skills(root))

    def __iter__(self) -> Iterator[Skill]:
        return iter(self._skills.values())

    def __len__(self) -> int:
        return len(self._skills)

    @property
    def digests(self) -> Mapping[str, str]:
        """The SHA-256 of each skill's file, by name."""
        return {skill.name: skill.digest for skill in self}

    @property
    def tool(self) -> "LoadSkill":
        """The tool that loads them."""
        return LoadSkill(self._root, self._skills)

    def prompt(self, system: str = "") -> str:
        """A system prompt that ends in the list of skills; their digests tell from the log what was offered."""
        if not self._skills:
            return system
        listed = [f"- {skill.name}: {skill.description} [sha256:{skill.digest[:_SHORT]}]" for skill in self]
        section = "\n".join([_INTRODUCTION, "", *listed])
        return f"{system.rstrip()}\n\n{section}" if system.strip() else section


class LoadSkill:
    """The tool: a skill's instructions as they were listed, or an error where they are others by now."""

    def __init__(self, root: Path, skills: Mapping[str, Skill]) -> None:
        self._root = root
        self._skills = skills

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and effect class."""
        return _SPEC

    def show(self, arguments: Mapping[str, JsonValue]) -> str:
        """The call with its argument."""
        return show_call(LOAD_SKILL, arguments, {})

    async def run(self, arguments: Mapping[str, JsonValue], context: ToolContext) -> ToolOutput:
        """The instructions, under a line that names the skill, its digest and its directory."""
        name = arguments.get("name")
        skill = self._skills.get(name) if isinstance(name, str) else None
        if skill is None:
            known = ", ".join(self._skills) or "none"
            return failure(f"there is no skill {one_line(str(name))!r}; there is {known}", error="no_such_skill")
        try:
            loaded = await in_thread(lambda: read_skill(skill.path, self._root))
        except TurnlogError as error:
            return failure(f"the skill {skill.name} cannot be loaded: {error.message}", error=error.code)
        if loaded.skill.digest != skill.digest:
            return failure(
                f"the skill {skill.name} is not what was listed: its file has changed since the skills were read, "
                "so it was not loaded",
                error="changed",
                skill=skill.name,
                listed=skill.digest,
                found=loaded.skill.digest,
            )
        head = f"[skill {skill.name}, sha256:{skill.digest}, in {skill.path.parent}]"
        offered: dict[str, JsonValue] = {each.name: each.digest for each in self._skills.values()}
        details: dict[str, JsonValue] = {"skill": skill.name, "digest": skill.digest, "offered": offered}
        return to_output(ToolOutput((f"{head}\n\n{loaded.body}",), details=details))
