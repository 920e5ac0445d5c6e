"""What surrounds a call: everything beside its arguments that decides what it does, and nothing is executed."""

import hashlib
import os
import sys
import time
from pathlib import Path

import pytest
from pydantic import JsonValue

from turnlog.domain import JudgedCall, Surrounded, Surroundings, Tool, ToolContext
from turnlog.infrastructure import permissions, tools

PYTHON = os.path.realpath(sys.executable)
MEBIBYTE = 1024 * 1024


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with some code."""
    inside = tmp_path / "workspace"
    inside.mkdir()
    (inside / "app.py").write_text("print('app')\n")
    (inside / "run.sh").write_text("echo run\n")
    return inside


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory first on the search path, so that it does not matter what is installed here, and how."""
    found = tmp_path / "programs"
    for name in ("awk", "env", "just", "make", "npm", "perl", "python3", "sh", "sudo"):
        executable(found / name, "no program, and no script")
    monkeypatch.setenv("PATH", f"{found}:/usr/bin:/bin")
    return found


def executable(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
    path.chmod(0o755)
    return path


def around(tool: Tool, workspace: Path | None, **arguments: JsonValue) -> Surroundings:
    """What surrounds a call, as the runtime asks for it."""
    call = JudgedCall(tool.spec.name, arguments, workspace)
    return permissions.StructuredPermissions().surroundings(tool, call)


def shell(workspace: Path, *argv: str, cwd: str = ".") -> Surroundings:
    return around(tools.shell, workspace, argv=list(argv), cwd=cwd)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@tools.tool
def plain(context: ToolContext) -> str:
    """A tool that says nothing of what surrounds it."""
    return str(context.workspace)


# Tools in general


def test_a_tool_that_says_nothing_depends_on_its_workspace(place: Path) -> None:
    link = place.parent / "link"
    link.symlink_to(place)
    assert around(plain, link) == Surroundings(cwd=str(link), cwd_real=str(place))


def test_without_a_workspace_there_is_nothing_to_depend_on() -> None:
    assert around(plain, None) == Surroundings()


def test_a_tool_is_asked_what_surrounds_it(place: Path) -> None:
    @tools.tool(
        surroundings=lambda arguments, workspace, bounds: Surroundings(program=f"{arguments['name']} {workspace}")
    )
    def fetch(name: str) -> str:
        return name

    assert around(fetch, place, name="x").program == f"x {place}"


def test_only_tools_that_can_say_are_surrounded() -> None:
    assert not isinstance(plain, Surrounded)
    unsaid = {name for name, tool in tools.BUILTIN_TOOLS.items() if not isinstance(tool, Surrounded)}
    # They are about tasks that were judged when they began, or about nothing but the log.
    background = {"background_check", "background_output", "background_stop", "background_wait"}
    assert {name for name in unsaid if name.startswith("background")} == background
    assert {name.partition("_")[0] for name in unsaid - background} <= {"task", "memory", "team"}


def test_what_a_tool_raises_is_raised(place: Path) -> None:
    def unreadable(*_: object) -> Surroundings:
        raise RuntimeError("no look")

    @tools.tool(surroundings=unreadable)
    def broken() -> None:
        """Cannot look around."""

    with pytest.raises(RuntimeError, match="no look"):
        around(broken, place)


# File tools


@pytest.mark.parametrize("name", ["read_file", "write_file", "edit_file", "list_files", "search_files"])
def test_a_file_tool_says_where_its_path_leads(place: Path, name: str) -> None:
    (place / "real").mkdir()
    (place / "link").symlink_to("real")
    found = around(tools.BUILTIN_TOOLS[name], place, path="link/../link/a.txt")
    assert found.paths == {"link/../link/a.txt": str(place / "real" / "a.txt")}
    assert found.cwd_real == str(place)
    assert found.unbound == ()


@pytest.mark.parametrize("name", ["list_files", "search_files"])
def test_without_a_path_a_file_tool_is_led_to_the_workspace(place: Path, name: str) -> None:
    assert around(tools.BUILTIN_TOOLS[name], place).paths == {".": str(place)}


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a\0b", "out/passwd", "", "a/" * 50_000])
def test_a_path_that_leads_nowhere_in_the_workspace_is_given_as_itself(place: Path, path: str) -> None:
    (place / "out").symlink_to("/etc")
    assert around(tools.read_file, place, path=path).paths == {path: path}


def test_a_path_that_leads_elsewhere_than_before_makes_other_surroundings(place: Path) -> None:
    link = place / "link"
    link.symlink_to("app.py")
    before = around(tools.write_file, place, path="link", content="x")
    link.unlink()
    link.symlink_to("run.sh")
    assert around(tools.write_file, place, path="link", content="x") != before


def test_a_path_that_is_not_utf_8_is_text_that_json_can_hold(place: Path) -> None:
    (place / "link").symlink_to("odd-\udcff")  # as Python has the byte FF of a name
    (led,) = around(tools.read_file, place, path="link").paths.values()
    assert led == f"bytes {os.fsencode(place).hex()}2f6f64642dedb3bf"
    led.encode()


# The shell: where and as what


def test_a_program_is_named_by_its_real_path_and_told_from_others_by_its_identity(place: Path, programs: Path) -> None:
    real = executable(programs / "real-tool", "#!/bin/true\n")
    (programs / "tool").symlink_to("real-tool")
    found = shell(place, "tool", "x")
    state = real.stat()
    assert found.program == str(real)
    assert found.program_id == f"{state.st_dev}:{state.st_ino}:{state.st_size}:{state.st_mtime_ns}"
    assert found.sandbox == "none"


def test_the_working_directory_is_given_as_written_and_as_it_is(place: Path) -> None:
    (place / "below").mkdir()
    (place / "link").symlink_to("below")
    found = shell(place, "ls", cwd="link")
    assert (found.cwd, found.cwd_real) == (str(place / "link"), str(place / "below"))


def test_a_working_directory_that_leads_elsewhere_makes_other_surroundings(place: Path) -> None:
    for name in ("one", "two"):
        (place / name).mkdir()
    (place / "link").symlink_to("one")
    before = shell(place, "ls", cwd="link")
    (place / "link").unlink()
    (place / "link").symlink_to("two")
    assert shell(place, "ls", cwd="link").cwd_real != before.cwd_real


def test_the_environment_is_the_one_the_program_gets(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PATH", "relative:/usr/bin:/bin")
    monkeypatch.setenv("HOME", "/home/\udcff")
    env = shell(place, "ls").env
    assert (env["PATH"], env["TERM"], env["HOME"]) == ("/usr/bin:/bin", "dumb", "bytes 2f686f6d652fedb3bf")
    assert "AWS_SECRET_ACCESS_KEY" not in env


def test_a_replaced_program_has_another_identity(place: Path, programs: Path) -> None:
    tool = executable(programs / "tool", "#!/bin/sh\n")
    before = shell(place, "tool")
    executable(programs / "other", "#!/bin/sh\n").replace(tool)
    after = shell(place, "tool")
    assert after.program == before.program
    assert after.program_id != before.program_id


def test_a_program_put_before_another_on_the_search_path_is_another_program(place: Path, programs: Path) -> None:
    before = shell(place, "ls")
    executable(programs / "ls", "#!/bin/sh\n")
    assert shell(place, "ls").program == str(programs / "ls")
    assert before.program != str(programs / "ls")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"argv": []},
        {"argv": "ls"},
        {"argv": ["ls", 1]},
        {"argv": ["a\0b"]},
        {"argv": ["no-such-program"]},
        {"argv": ["./missing"]},
        {"argv": [""]},
        {"argv": ["ls"], "cwd": ".."},
        {"argv": ["ls"], "cwd": 1},
        {"argv": ["ls"], "cwd": "a\0"},
    ],
)
def test_of_what_cannot_run_there_is_no_program(place: Path, arguments: dict[str, JsonValue]) -> None:
    assert around(tools.shell, place, **arguments).program is None


def test_without_a_workspace_there_is_only_an_environment() -> None:
    assert set(around(tools.shell, None, argv=["ls"]).env) >= {"PATH", "TERM"}


# The shell: the code that runs


def test_a_plain_program_is_bound_without_what_it_reads(place: Path) -> None:
    found = shell(place, "cat", "app.py")
    assert (found.files, found.paths, found.unbound) == ({}, {}, ())


@pytest.mark.parametrize(
    "argv",
    [
        ["python3", "app.py", "x"],
        [PYTHON, "-u", "./app.py"],
        ["env", "-i", "python3", "app.py"],
        ["timeout", "5", "nice", "-n", "3", "python3", "app.py"],
        ["sh", "-c", "cd . ; python3 app.py | wc"],
        ["sh", "app.py"],
        ["awk", "-f", "app.py"],
        ["awk", "-fapp.py"],
        ["bash", "--rcfile=app.py"],
        ["perl", "-n", "app.py"],
        ["find", ".", "-exec", "python3", "app.py", "{}", ";"],
        ["sh", "-c", ". ./app.py"],
    ],
    ids=" ".join,
)
def test_what_an_interpreter_is_pointed_to_is_bound_by_its_contents(place: Path, argv: list[str]) -> None:
    assert shell(place, *argv).files == {str(place / "app.py"): sha256(place / "app.py")}


def test_a_file_outside_the_workspace_is_bound_where_an_interpreter_reads_it(place: Path) -> None:
    outside = place.parent / "outside.py"
    outside.write_text("pass\n")
    assert shell(place, "python3", "../outside.py").files == {str(outside): sha256(outside)}


def test_a_program_by_another_name_is_still_an_interpreter(place: Path, programs: Path) -> None:
    (programs / "harmless").symlink_to(PYTHON)
    assert str(place / "app.py") in shell(place, "harmless", "app.py").files


def test_a_changed_script_has_another_digest_in_the_same_place(place: Path) -> None:
    before = shell(place, "python3", "app.py")
    (place / "app.py").write_text("print('ppa')\n")
    after = shell(place, "python3", "app.py")
    assert after.files.keys() == before.files.keys()
    assert after.files != before.files


def test_a_script_that_appears_only_later_makes_other_surroundings(place: Path) -> None:
    before = shell(place, "python3", "later.py")
    (place / "later.py").write_text("pass\n")
    assert shell(place, "python3", "later.py") != before


def test_a_program_of_the_workspace_is_bound_by_its_contents(place: Path) -> None:
    tool = executable(place / "bin" / "tool", "#!/bin/sh\necho\n")
    assert shell(place, "./tool", cwd="bin").files == {str(tool): sha256(tool)}
    assert shell(place, "timeout", "5", "bin/tool").files == {str(tool): sha256(tool)}


def test_the_interpreter_in_the_first_line_of_a_script_is_bound_too(place: Path) -> None:
    interpreter = executable(place / "bin" / "interpreter", "#!/bin/sh\n")
    executable(place / "tool", f"#!{interpreter} -x\n")
    link = place / "bin" / "python"
    link.symlink_to(PYTHON)
    executable(place / "other", f"#!{link}\n")
    assert str(interpreter) in shell(place, "./tool").files
    assert shell(place, "./other").paths == {str(link): PYTHON}


def test_a_program_that_another_runs_is_bound_by_where_it_leads(place: Path, programs: Path) -> None:
    executable(programs / "tool", "#!/bin/true\n")
    assert shell(place, "env", "tool").paths["tool"] == str(programs / "tool")


# The shell: what cannot be bound


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["python3", "-m", "app"], 'what "python3" runs is not bound'),
        (["python3", "-W", "error", "-Im", "app"], 'what "python3" runs is not bound'),
        (["npm", "run", "x"], 'what "npm" runs is not bound'),
        (["make"], 'what "make" runs is not bound'),
        (["env", "make"], 'what "make" runs is not bound'),
        (["python3", "."], "it is a directory"),
        (["sh", "fifo"], "it is a FIFO"),
        (["sh", "-c", "cd below && python3 app.py"], 'what is read after "cd" is not bound'),
        (["sh", "-c", "python3 $FILE"], 'what "python3" reads is not bound'),
        (["sh", "-c", "$PROGRAM x"], "a program whose name is known only when it runs"),
        (["sh", "-c", 'eval "$CODE"'], 'what "eval" reads is not bound'),
        (["sh", "-c", "cat app.py | sh"], 'what "sh" reads from its input is not bound'),
        (["sh", "large"], "it has 16,777,217 bytes, and at most 16,777,216 are read"),
        (["python3", *("x" for _ in range(2000))], "of more than 1,000 words that may be paths"),
        (["sh", "-c", ";".join(f"p{number}" for number in range(200))], "of more than 100 commands"),
    ],
)
def test_what_cannot_be_bound_is_said(place: Path, argv: list[str], said: str) -> None:
    os.mkfifo(place / "fifo")
    with (place / "large").open("wb") as stream:
        stream.truncate(16 * MEBIBYTE + 1)
    assert any(said in sentence for sentence in shell(place, *argv).unbound)


@pytest.mark.parametrize(
    "argv",
    [
        ["python3", "app.py", "-m", "x"],
        ["python3", "-c", "pass", "-m", "x"],
        ["python3", "-Wm", "app.py"],
        ["sh", "run.sh", "/dev/null"],
        ["ls", "-m"],
        ["sh", "-c", "python3 app.py"],
    ],
    ids=" ".join,
)
def test_nothing_is_said_where_all_is_bound(place: Path, argv: list[str]) -> None:
    assert shell(place, *argv).unbound == ()


@pytest.mark.parametrize(("runner", "file"), [("make", "Makefile"), ("npm", "package.json"), ("just", "justfile")])
def test_the_file_a_runner_starts_from_is_bound(place: Path, runner: str, file: str) -> None:
    (place / file).write_text("{}")
    assert shell(place, runner, "build").files == {str(place / file): sha256(place / file)}


def test_of_more_than_fifty_files_the_others_are_named(place: Path) -> None:
    names = [f"{number:02}.py" for number in range(60)]
    for name in names:
        (place / name).write_text(name)
    found = shell(place, "python3", *names)
    assert list(found.files) == [str(place / name) for name in names[:50]]
    assert [str(place / name) in said for name, said in zip(names[50:], found.unbound, strict=True)] == [True] * 10


def test_not_more_than_so_many_bytes_are_read_in_all(place: Path) -> None:
    names = [f"{number}.py" for number in range(5)]
    for name in names:
        with (place / name).open("wb") as stream:
            stream.truncate(16 * MEBIBYTE)
    found = shell(place, "python3", *names)
    assert len(found.files) == 4
    assert "67,108,864 in all" in found.unbound[0]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file that even root cannot read")
def test_a_file_that_cannot_be_read_is_named(place: Path) -> None:
    assert "it cannot be read (Input/output error)" in shell(place, "python3", "/proc/self/mem").unbound[0]


def test_a_name_in_what_is_said_hides_nothing(place: Path) -> None:
    (place / "a\x1b[2J\u202e").mkdir()
    (said,) = shell(place, "python3", "a\x1b[2J\u202e").unbound
    assert said.isascii()
    assert said.isprintable()


# All of it


@pytest.mark.parametrize(
    "argv", [["ls", "-l"], ["python3", "app.py"], ["make"], ["env", "sh", "-c", "python3 app.py $X"]], ids=" ".join
)
def test_the_same_call_in_the_same_place_has_the_same_surroundings(place: Path, argv: list[str]) -> None:
    assert shell(place, *argv) == shell(place, *argv)


def test_nothing_is_executed(place: Path, programs: Path) -> None:
    for where in (place / "tool", programs / "tool"):
        executable(where, f"#!/bin/sh\ntouch {place}/ran\n")
    for argv in (["./tool"], ["tool"], ["sh", "-c", "./tool $(./tool)"], ["sh", "tool"], ["env", "tool"]):
        assert shell(place, *argv).program is not None
    assert not (place / "ran").exists()


@pytest.mark.parametrize(
    "argv",
    [
        ["python3", "app.py"],
        ["sh", "-c", "a/" * 50_000],
        ["a/" * 50_000],
        ["sudo", *(f"./{number}" for number in range(1000))],
        ["sh", "-c", "python3 app.py;" * 2000],
    ],
    ids=["script", "long word", "long program", "many words", "many commands"],
)
def test_looking_takes_little_work_whatever_the_call(place: Path, argv: list[str]) -> None:
    shell(place, "ls", "$x")
    began = time.process_time()
    shell(place, *argv)
    assert time.process_time() - began < 2
