"""Skills: what a directory of them comes to, what is refused, and what loading one gives."""

import hashlib
import os
from pathlib import Path

import pytest

from turnlog.domain import InvalidInput, NotFound, ToolContext, ToolOutput
from turnlog.infrastructure import skills

Skills = skills.Skills

INVOICE = """---
name: invoices
description: Write invoices.
---

# Invoices

Be exact.
"""


def write(root: Path, directory: str, text: str | bytes = INVOICE) -> Path:
    """A skill's file, in a directory of its own."""
    path = root / directory / "SKILL.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def headed(head: str) -> str:
    return f"---\n{head}\n---\nBody.\n"


async def load(found: Skills, name: object) -> ToolOutput:
    arguments = {"name": name} if isinstance(name, str) else {}
    return await found.tool.run(arguments, ToolContext("session", "call", "key", 1, 1, None))


def test_skills_are_found_at_any_depth_and_listed_by_name(tmp_path: Path) -> None:
    write(tmp_path, "z", headed("name: alpha\ndescription: First."))
    write(tmp_path, "a/b/c", headed("description: Last."))
    (tmp_path / "a" / "README.md").write_text("nothing")
    assert [(skill.name, skill.description) for skill in Skills.read(tmp_path)] == [("alpha", "First."), ("c", "Last.")]


def test_the_prompt_ends_in_the_list_with_the_digests(tmp_path: Path) -> None:
    digest = hashlib.sha256(write(tmp_path, "invoices").read_bytes()).hexdigest()
    lines = Skills.read(tmp_path).prompt("Be brief.\n").splitlines()
    assert lines[0] == "Be brief."
    assert lines[-1] == f"- invoices: Write invoices. [sha256:{digest[:12]}]"
    assert any("load_skill" in line for line in lines)


def test_without_skills_the_prompt_stays_as_it_is(tmp_path: Path) -> None:
    assert Skills.read(tmp_path).prompt("Be brief.") == "Be brief."


async def test_loading_gives_the_instructions_and_records_what_was_loaded_and_offered(tmp_path: Path) -> None:
    digest = hashlib.sha256(write(tmp_path, "x").read_bytes()).hexdigest()
    found = await load(Skills.read(tmp_path), "invoices")
    assert found.content == (f"[skill invoices, sha256:{digest}, in {tmp_path / 'x'}]\n\n# Invoices\n\nBe exact.",)
    assert found.details == {"skill": "invoices", "digest": digest, "offered": {"invoices": digest}}
    assert not found.is_error


async def test_a_skill_that_changed_since_it_was_listed_is_not_loaded(tmp_path: Path) -> None:
    path = write(tmp_path, "x")
    found = Skills.read(tmp_path)
    path.write_text(INVOICE.replace("exact", "evil"))
    output = await load(found, "invoices")
    assert output.is_error
    assert output.details["error"] == "changed"
    assert "evil" not in str(output.content)


async def test_a_skill_that_is_gone_is_an_error_result(tmp_path: Path) -> None:
    path = write(tmp_path, "x")
    found = Skills.read(tmp_path)
    path.unlink()
    assert (await load(found, "invoices")).is_error


@pytest.mark.parametrize("name", ["", "../x", "Invoices", None])
async def test_a_name_that_is_none_tells_which_there_are(tmp_path: Path, name: object) -> None:
    write(tmp_path, "x")
    output = await load(Skills.read(tmp_path), name)
    assert (output.is_error, output.details["error"]) == (True, "no_such_skill")
    assert "there is invoices" in str(output.content)


def test_the_tool_only_reads_so_nobody_is_asked(tmp_path: Path) -> None:
    tool = Skills.read(tmp_path).tool
    assert (tool.spec.name, tool.spec.effect) == ("load_skill", "pure")
    assert tool.show({"name": "x"}) == 'load_skill\n  name: "x"'


@pytest.mark.parametrize(
    ("head", "description"),
    [
        ("description: Plain: with a colon  # and a comment", "Plain: with a colon"),
        ('description: "Quoted # \\"text\\" \\u00e9"', 'Quoted # "text" é'),
        ("description: 'It''s quoted'", "It's quoted"),
        ("description: >-\n  Folded\n  text\n\n  on", "Folded text on"),
        ("description: |\n  Kept\n    as it is", "Kept as it is"),
        ("description: goes\n  on below", "goes on below"),
        (
            "# a comment\n\ndescription: After.\nallowed-tools:\n- a\n  - b\nmetadata:\n  name: inner\n  x: [1]",
            "After.",
        ),
        ("description: A\u200bB\tC", "A\\u200bB C"),
    ],
)
def test_heads_are_read_as_they_are_written(tmp_path: Path, head: str, description: str) -> None:
    write(tmp_path, "x", headed(head))
    [skill] = Skills.read(tmp_path)
    assert (skill.name, skill.description) == ("x", description)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("No head.", "description"),
        ("", "description"),
        (headed("name: x"), "description"),
        (headed("description:"), "description"),
        (headed("description: [a, b]"), "description"),
        (headed("description:\n  a: b"), "description"),
        ("---\ndescription: A\n", "no end"),
        (headed("just text"), "key: value"),
        (headed("  indented: first"), "key: value"),
        (headed("description: A\ndescription: B"), "twice"),
        (headed('description: "open'), "quotation"),
        (headed('description: "bad \\q"'), "quotation"),
        (headed("name: a b\ndescription: A"), "no name"),
        (headed("name: ../x\ndescription: A"), "no name"),
        (headed(f"name: {'x' * 65}\ndescription: A"), "no name"),
        (b"---\ndescription: \xff\n---\n", "UTF-8"),
        (b"x" * 300_000, "more than"),
    ],
)
def test_a_file_that_is_no_skill_is_named_and_refused(tmp_path: Path, text: str | bytes, why: str) -> None:
    write(tmp_path, "x", text)
    with pytest.raises(InvalidInput, match=why) as refused:
        Skills.read(tmp_path)
    assert str(tmp_path / "x" / "SKILL.md") in refused.value.message


def test_two_skills_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b")
    with pytest.raises(InvalidInput, match="two skills are called 'invoices'"):
        Skills.read(tmp_path)


def test_a_link_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "outside")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "way").symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidInput, match="leads out of"):
        Skills.read(inside)


def test_a_file_that_is_a_link_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    outside = write(tmp_path, "outside")
    (tmp_path / "inside" / "x").mkdir(parents=True)
    (tmp_path / "inside" / "x" / "SKILL.md").symlink_to(outside)
    with pytest.raises(InvalidInput, match="leads out of"):
        Skills.read(tmp_path / "inside")


def test_a_link_inside_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "a")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert len(Skills.read(tmp_path)) == 1


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "SKILL.md").symlink_to(tmp_path / "gone")
    with pytest.raises(InvalidInput, match="leads nowhere"):
        Skills.read(tmp_path)


def test_a_pipe_that_nobody_writes_to_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    os.mkfifo(tmp_path / "x" / "SKILL.md")
    with pytest.raises(InvalidInput, match="not a file"):
        Skills.read(tmp_path)


async def test_a_file_that_became_a_link_out_is_not_loaded(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text(INVOICE)
    path = write(tmp_path / "inside", "x")
    found = Skills.read(tmp_path / "inside")
    path.unlink()
    path.symlink_to(outside)
    assert (await load(found, "invoices")).is_error


def test_a_directory_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Skills.read(tmp_path / "gone")


def test_too_many_files_are_no_place_for_skills(tmp_path: Path) -> None:
    for number in range(501):
        write(tmp_path, f"s{number}", headed("description: A."))
    with pytest.raises(InvalidInput, match="more than 500 skills"):
        Skills.read(tmp_path)


def test_hidden_directories_are_not_looked_into(tmp_path: Path) -> None:
    write(tmp_path, ".git/x")
    write(tmp_path / ".claude", "y")
    assert (len(Skills.read(tmp_path)), len(Skills.read(tmp_path / ".claude"))) == (0, 1)


def test_what_lies_too_deep_is_not_looked_for(tmp_path: Path) -> None:
    write(tmp_path, "/".join("abcdefgh"), headed("description: In reach."))
    write(tmp_path, "/".join("abcdefghi"), headed("description: Too deep."))
    assert [skill.description for skill in Skills.read(tmp_path)] == ["In reach."]
