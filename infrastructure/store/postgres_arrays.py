"""Arrays in the form Postgres sends and receives them, packed whole.

An append is six arrays. psycopg dumps an array item by item in Python, which would cost a lone append as much as the
server takes to insert its row.
"""

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct

from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

NULL = b"\xff\xff\xff\xff"
INTEGER = Struct(">iq")
LENGTH = Struct(">i")
HEADER = Struct(">iiIii")
INT8, TEXT, BYTEA = 20, 25, 17  # of pg_type, the same on every server


class Packed(bytes):
    """An array, ready to be sent."""


class PackedDumper(Dumper):
    """Sends it as it is. The statement says which type it has."""

    format = Format.BINARY

    def dump(self, obj: Packed) -> Buffer:
        return obj


def integers(values: Sequence[int | None]) -> Packed:
    """A bigint[]."""
    return _packed(INT8, len(values), (NULL if value is None else INTEGER.pack(8, value) for value in values))


def texts(values: Sequence[str | None]) -> Packed:
    """A text[]."""
    return _packed(TEXT, len(values), (_item(None if value is None else value.encode()) for value in values))


def blobs(values: Sequence[bytes | None]) -> Packed:
    """A bytea[]."""
    return _packed(BYTEA, len(values), map(_item, values))


def read_integers(data: bytes | None) -> list[int]:
    """What is in a bigint[] without NULLs."""
    return [int.from_bytes(item, signed=True) for item in _items(data)]


def read_texts(data: bytes | None) -> list[str]:
    """What is in a text[] without NULLs."""
    return [item.decode() for item in _items(data)]


def _items(data: bytes | None) -> Iterator[bytes]:
    """The items of an array of one dimension, of none, or of NULL."""
    place = HEADER.size
    while data is not None and place < len(data):
        (length,) = LENGTH.unpack_from(data, place)
        place += LENGTH.size + length
        yield data[place - length : place]


def _item(value: bytes | None) -> bytes:
    return NULL if value is None else LENGTH.pack(len(value)) + value


def _packed(kind: int, count: int, items: Iterable[bytes]) -> Packed:
    """One dimension, counted from 1; the flag says that there may be NULLs."""
    return Packed(HEADER.pack(1, 1, kind, count, 1) + b"".join(items))
