"""memory, from a person's side."""

import pytest

from .terminal import Terminal, one_line

SHOP = ("--project", "shop")
SKY, GRASS = "The sky is blue.", "The grass is green."


def known(terminal: Terminal, text: str, *options: str) -> str:
    memory_id: str = terminal.ok("memory", "store", text, *options, *SHOP, "--json").document["memory_id"]
    return memory_id


def texts(terminal: Terminal, *words: str) -> list[str]:
    return [fact["text"] for fact in terminal.ok("memory", *words, *SHOP, "--json").lines]


def test_what_is_stored_is_listed_and_found(terminal: Terminal) -> None:
    sky = known(terminal, SKY)
    known(terminal, GRASS)
    assert texts(terminal, "list") == [SKY, GRASS]
    assert texts(terminal, "search", "blue", "sky") == [SKY]
    assert terminal.ok("memory", "search", "sky", *SHOP).out.startswith(f"{sky}  {SKY}  user:")


def test_what_is_pinned_is_marked(terminal: Terminal) -> None:
    sky = known(terminal, SKY)
    known(terminal, GRASS, "--pin")
    assert texts(terminal, "list", "--pinned") == [GRASS]
    assert terminal.ok("memory", "pin", sky, *SHOP).out.startswith(f"{sky}  * {SKY}")
    terminal.ok("memory", "pin", sky, "--off", *SHOP)
    assert texts(terminal, "list", "--pinned") == [GRASS]


def test_what_is_forgotten_is_not_found(terminal: Terminal) -> None:
    sky = known(terminal, SKY)
    assert terminal.ok("memory", "forget", sky, "--reason", "wrong", *SHOP, "--json").document == {"forgotten": sky}
    assert texts(terminal, "search", "sky") == []
    assert "nothing is known" in terminal.ok("memory", "list", *SHOP).err


def test_a_whole_session_is_forgotten(terminal: Terminal) -> None:
    session = terminal.session("x")
    terminal.ok("memory", "forget", "--source", session[:8], *SHOP)
    assert terminal.ok("memory", "list", *SHOP).out == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("pin", "mem_x", *SHOP), 3, "there is no fact 'mem_x'"),
        (("search", "?", *SHOP), 2, "no word to look for"),
        (("store", " ", *SHOP), 2, "a text that is not blank"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(terminal: Terminal, words: tuple[str, ...], code: int, said: str) -> None:
    assert said in one_line(terminal.type("memory", *words), code)


def test_one_memory_and_one_thing_to_forget_have_to_be_named(terminal: Terminal) -> None:
    assert terminal.type("memory", "list").code == 2
    assert terminal.type("memory", "forget", *SHOP).code == 2
    assert list(terminal.root.iterdir()) == []
