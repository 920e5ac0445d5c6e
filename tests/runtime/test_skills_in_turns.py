"""Skills in a session: in the recorded prompt, loaded without asking, with digests in the log."""

from pathlib import Path

from turnlog.domain import SessionStarted, ToolCallFinished
from turnlog.infrastructure import skills

from .world import ScriptedModel, World, asks, check_log, last_results


async def test_a_skill_is_offered_in_the_recorded_prompt_and_loaded_without_asking(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "SKILL.md").write_text("---\nname: invoices\ndescription: Write invoices.\n---\nBe exact.\n")
    found = skills.Skills.read(tmp_path)
    model = ScriptedModel([asks(("load_skill", {"name": "invoices"})), "Done."])
    session = await world.session(model, found.tool, system=found.prompt("Be brief."))
    await session.append_turn("Write an invoice.")
    (started,) = await world.all_of(session.id, SessionStarted)
    (finished,) = await world.all_of(session.id, ToolCallFinished)
    digest = found.digests["invoices"]
    assert started.system is not None
    assert f"- invoices: Write invoices. [sha256:{digest[:12]}]" in await world.turnlog.text(started.system)
    assert finished.details is not None
    assert finished.details["offered"] == {"invoices": digest}
    assert "Be exact." in last_results(model)[0]
    await check_log(world, session.id)
