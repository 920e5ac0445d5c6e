"""Skills: instructions in directories, offered by name and loaded when they are needed."""

from .offering import LOAD_SKILL, LoadSkill, Skills
from .reading import Skill

__all__ = ["LOAD_SKILL", "LoadSkill", "Skill", "Skills"]
