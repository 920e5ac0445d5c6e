"""What is told of a server: none of the secrets it was given, wherever it is cut."""

from turnlog.infrastructure import mcp


def report(**secrets: str) -> mcp.Report:
    return mcp.Report(secrets=secrets)


def test_a_secret_that_is_part_of_another_leaves_nothing_of_the_longer_one() -> None:
    found = report(user="anna", key="anna-4711")
    found.end("no such key: anna-4711")
    assert str(found) == "no such key: [secret key]"


def test_of_a_secret_that_stands_where_errors_are_cut_nothing_is_told() -> None:
    found = report(key="k3y" * 200)
    found.take_error(b"refused: " + b"k3y" * 200 + b" is not known" + b"!" * 280)
    assert "k3y" not in str(found)


def test_of_a_secret_whose_beginning_is_not_kept_nothing_is_told() -> None:
    found = report(key="k3y" * 10)
    for _ in range(10_000):
        found.take_error(b"k3y")
        found.take_error(b"k3y" * 9)
    assert "k3y" not in str(found)
    found.take_error(b"\nrefused\n")
    assert str(found) == "its last errors: refused"


def test_of_a_secret_in_a_line_that_is_no_message_nothing_is_told() -> None:
    found = report(key="k3y \t" * 100)
    found.take_garbage(b"hello, " + b"k3y \t" * 100)
    assert str(found) == "1 lines of its output are no messages, the last: hello, [secret key]"
