"""Arrays in the form Postgres sends and receives them, packed whole.

An append is six arrays. psycopg dumps an array item by item in Python, which would cost a lone append as much as the
server takes to insert its row.
"""

from collections.abc import Iterator, Sequence
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
    return _packed(INT8, [NULL if value is None else INTEGER.pack(8, value) for value in values])


def texts(values: Sequence[str | None]) -> Packed:
    """A text[]."""
    return blobs([None if value is None else value.encode() for value in values], TEXT)


def blobs(values: Sequence[bytes | None], kind: int = BYTEA) -> Packed:
    """A bytea[], or an array of another kind whose items are sent as bytes."""
    pack = LENGTH.pack
    return _packed(kind, [NULL if value is None else pack(len(value)) + value for value in values])


def read_integers(data: bytes | None) -> list[int]:
    """What is in a bigint[] without NULLs."""
    return [value for _, value in INTEGER.iter_unpack((data or b"")[HEADER.size :])]


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


def _packed(kind: int, items: Sequence[bytes]) -> Packed:
    """One dimension, counted from 1; the flag says that there may be NULLs."""
    return Packed(HEADER.pack(1, 1, kind, len(items), 1) + b"".join(items))
