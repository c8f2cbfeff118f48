"""Whole arrays as parameters in PostgreSQL's binary form, without a loop over them."""

import struct
from array import array
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

#: OIDs of element and array, by the array's type code (pg_type.dat).
_OIDS = {"q": (20, 1016), "d": (701, 1022)}
_SIZE = 8


class ArrayDumper(Dumper):
    """Writes ``array("q")`` as bigint[] and ``array("d")`` as double precision[]."""

    format = Format.BINARY

    def get_key(self, obj: Any, format: Any) -> Any:  # noqa: ARG002
        """Tell the two kinds apart."""
        return (self.cls, obj.typecode)

    def upgrade(self, obj: Any, format: Any) -> "ArrayDumper":  # noqa: ARG002
        """Return the dumper of the kind of *obj*."""
        dumper = ArrayDumper(self.cls)
        dumper.oid = _OIDS[obj.typecode][1]
        return dumper

    def dump(self, obj: "array[Any]") -> bytes:
        """Return dimensions, then each element after its length, big endian."""
        count = len(obj)
        head = struct.pack("!iiI", 1, 0, _OIDS[obj.typecode][0])
        if not count:
            return struct.pack("!iiI", 0, 0, _OIDS[obj.typecode][0])
        swapped = array(obj.typecode, obj)
        swapped.byteswap()
        data = swapped.tobytes()
        step = 4 + _SIZE
        packed = bytearray(step * count)
        packed[3::step] = bytes([_SIZE]) * count
        for place in range(_SIZE):
            packed[4 + place :: step] = data[place::_SIZE]
        return head + struct.pack("!ii", count, 1) + packed


def register_arrays(connection: "psycopg.Connection[Any]") -> None:
    """Have *connection* take arrays."""
    connection.adapters.register_dumper(array, ArrayDumper)
