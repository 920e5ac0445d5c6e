"""`read_file` and `list_files`: what the model is shown of files of any kind and size."""

from pathlib import Path

import pytest

from turnlog.domain import ToolImage
from turnlog.infrastructure import tools

from .calling import call, text

list_files = tools.list_files
read_file = tools.read_file
search_files = tools.search_files
MEBIBYTE = 1024 * 1024

pytestmark = pytest.mark.usefixtures("each_way")


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", "(the file is empty)"),
        (b"\n", "1\t"),
        (b"a", "1\ta"),
        (b"a\nb\n", "1\ta\n2\tb"),
        (b"a\n\nb", "1\ta\n2\t\n3\tb"),
        (b"a\r\nb\r\n", "1\ta\n2\tb"),
        ("grüße \U0001f600\n\u2028x\n".encode(), "1\tgrüße \U0001f600\n2\t\u2028x"),
        (b"a\xff\nb", "1\ta\ufffd\n2\tb\n[bytes that are not UTF-8 are shown as \ufffd]"),
        (b"\xed\xa0\x80", "1\t\ufffd\ufffd\ufffd\n[bytes that are not UTF-8 are shown as \ufffd]"),
    ],
)
async def test_reading_numbers_the_lines(workspace: Path, data: bytes, shown: str) -> None:
    (workspace / "a").write_bytes(data)
    output = await call(read_file, workspace, path="a")
    assert text(output) == shown
    assert not output.is_error


@pytest.mark.parametrize(
    ("offset", "limit", "shown"),
    [
        (1, 2, "1\tline 1\n2\tline 2\n[there is more: go on with offset=3]"),
        (4, 2, "4\tline 4\n5\tline 5"),
        (5, 9, "5\tline 5"),
        (6, 1, "(the file has only 5 lines)"),
        (900, 1, "(the file has only 5 lines)"),
    ],
)
async def test_a_part_of_a_file_can_be_read(workspace: Path, offset: int, limit: int, shown: str) -> None:
    (workspace / "a").write_text("".join(f"line {number}\n" for number in range(1, 6)))
    assert text(await call(read_file, workspace, path="a", offset=offset, limit=limit)) == shown


async def test_a_huge_file_is_read_no_further_than_asked(workspace: Path) -> None:
    with (workspace / "a").open("wb") as stream:
        stream.write(b"first\n" + b"x" * 9_000)
        stream.truncate(50 * 1024**3)  # a hole
    output = await call(read_file, workspace, path="a", limit=1)
    assert text(output) == "1\tfirst\n[there is more: go on with offset=2]"


async def test_a_line_without_end_is_given_up(workspace: Path) -> None:
    with (workspace / "a").open("wb") as stream:
        stream.write(b"first\n" + b"x" * 9_000)
        stream.truncate(50 * 1024**3)
    output = text(await call(read_file, workspace, path="a"))
    assert output.endswith("[line 2 is too long; nothing after it can be read]")
    assert "the file has only" in text(await call(read_file, workspace, path="a", offset=9))


async def test_a_long_line_is_cut_and_says_how_much(workspace: Path) -> None:
    (workspace / "a").write_text("ü" * 100_000 + "\nnext\n")
    first, second = text(await call(read_file, workspace, path="a")).splitlines()
    assert first.endswith("ü [... 196,000 bytes of this line cut ...]")
    assert second == "2\tnext"


async def test_one_call_returns_a_bounded_amount(workspace: Path) -> None:
    (workspace / "a").write_text(f"{'x' * 1000}\n" * 10_000)
    output = text(await call(read_file, workspace, path="a", limit=20_000))
    assert len(output) < 300_000
    assert output.splitlines()[-1].startswith("[there is more: go on with offset=")


async def test_a_binary_file_is_refused_with_its_size(workspace: Path) -> None:
    (workspace / "a").write_bytes(b"text\0" * 1000)
    output = await call(read_file, workspace, path="a")
    assert output.is_error
    assert text(output) == '"a" is binary (5,000 bytes), not text'


async def test_an_image_is_read_as_an_image_unless_it_is_too_large(workspace: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n\0data"
    (workspace / "a.png").write_bytes(png)
    assert (await call(read_file, workspace, path="a.png")).content == (ToolImage(png, "image/png"),)
    (workspace / "a.png").write_bytes(png + b"x" * 5 * MEBIBYTE)
    assert "is an image of 5,242,893 bytes" in text(await call(read_file, workspace, path="a.png"))


async def test_listing_shows_kinds_sizes_and_links_sorted(special: Path) -> None:
    (special / "b.txt").write_text("x" * 1234)
    (special / "directory" / "below").mkdir()
    (special / "directory" / "below" / "deep").write_text("")
    (special / ".git").mkdir()
    (special / ".git" / "config").write_text("")
    (special / "link").symlink_to("../outside")
    (special / "new\nline").write_text("")
    expected = [".git/", "b.txt  1,234", "directory/", "fifo  (a FIFO)", "link -> ../outside", "new\\u000aline  0"]
    expected.append("socket  (a socket)")
    assert text(await call(list_files, special)).splitlines() == expected
    expected.insert(3, "directory/below/")
    assert text(await call(list_files, special, depth=2)).splitlines() == expected
    expected.insert(4, "directory/below/deep  0")
    assert text(await call(list_files, special, depth=9)).splitlines() == expected


async def test_a_long_listing_is_cut_and_says_so(workspace: Path) -> None:
    for number in range(50):
        (workspace / f"{number:02}").touch()
    lines = text(await call(list_files, workspace, limit=10)).splitlines()
    assert lines == [f"{number:02}  0" for number in range(10)] + [
        "[there are more than 10: list a directory below, or raise limit]"
    ]
    assert len(text(await call(list_files, workspace, limit=50)).splitlines()) == 50


async def test_an_empty_directory_says_so(workspace: Path) -> None:
    assert text(await call(list_files, workspace)) == "(the directory is empty)"


async def test_names_that_are_not_utf_8_are_shown_somehow(workspace: Path) -> None:
    (workspace / "\udcff").write_text("needle")  # the byte 0xff
    for output in (await call(list_files, workspace), await call(search_files, workspace, pattern="needle")):
        assert not output.is_error
        text(output).encode()
