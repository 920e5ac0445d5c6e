"""Tags: short labels by which people find sessions again."""

from collections.abc import Iterable

from .errors import InvalidInput

LONGEST_TAG = 50
MOST_TAGS = 50


def tags_of(given: Iterable[str]) -> tuple[str, ...]:
    """Tags each once and in order, which makes no difference. Raises InvalidInput."""
    return tuple(sorted({_checked(tag) for tag in given}))


def few_enough(tags: tuple[str, ...]) -> tuple[str, ...]:
    """The tags of a session. Raises InvalidInput where they are more than it may have."""
    if len(tags) > MOST_TAGS:
        raise InvalidInput(f"a session has at most {MOST_TAGS} tags, and these would be {len(tags)}; remove some")
    return tags


def retagged(tags: Iterable[str], added: Iterable[str], removed: Iterable[str]) -> tuple[str, ...]:
    """The tags after some were added and others removed."""
    return tuple(sorted({*tags, *added} - set(removed)))


def _checked(tag: str) -> str:
    if not tag:
        raise InvalidInput("a tag must not be empty")
    if len(tag) > LONGEST_TAG:
        raise InvalidInput(f"a tag has at most {LONGEST_TAG} characters, and {tag[:20]!r}… has {len(tag)}")
    if not tag.isprintable() or " " in tag or "," in tag or tag[0] in "+-":
        raise InvalidInput(
            f"{tag!r} is no tag: neither spaces nor commas, no + or - in front, nothing that is not printed;"
            " write needs-review, say"
        )
    return tag
