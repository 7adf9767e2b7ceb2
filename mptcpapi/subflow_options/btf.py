"""The kernel's type information (``include/uapi/linux/btf.h``), as far as finding a function."""

from __future__ import annotations

from errno import EBADMSG
from struct import error as StructError

from mptcpapi import abi
from mptcpapi.errors import BadAnswer

_HEAD = 3
"""32-bit words of ``struct btf_type``, which every type begins with: name_off, info, size."""


def function_id(data: bytes, name: str) -> int | None:
    """The type id of the kernel function ``name``; ``None`` if there is none.

    ``data``: what /sys/kernel/btf/vmlinux holds, in the machine's byte order.

    :raises BadAnswer: it is not that
    """
    types, strings = _sections(data)
    wanted = strings.find(b"\0" + name.encode() + b"\0") + 1
    return _find(types, wanted) if wanted else None


def _sections(data: bytes) -> tuple[memoryview, bytes]:
    """The types as 32-bit words, and the names."""
    try:
        magic, _, _, header, *places = abi.BTF_HEADER.unpack_from(data)
    except StructError as broken:
        raise BadAnswer(EBADMSG, f"type information of {len(data)} bytes is too short") from broken
    types_at, types_size, strings_at, strings_size = (int(place) for place in places)
    if magic != abi.BTF_MAGIC:
        raise BadAnswer(EBADMSG, f"type information begins with {magic:#06x}, not BTF's number")
    if header + max(types_at + types_size, strings_at + strings_size) > len(data):
        raise BadAnswer(EBADMSG, f"type information is cut after {len(data)} bytes")
    if types_size % 4:
        raise BadAnswer(EBADMSG, f"type information: types of {types_size} bytes, no whole words")
    types = memoryview(data)[header + types_at :][:types_size]
    return types.cast("I"), data[header + strings_at :][:strings_size]


def _find(words: memoryview, name: int) -> int | None:
    """The id of the function with its name at that offset.

    Types have no index: an id is a type's place, and each type must be stepped over by its length.
    A kernel has tens of thousands, hence a plain loop over local names: it takes 20 ms.
    """
    sizes = [abi.BTF_KIND_SIZES.get(kind) for kind in range(abi.BTF_KIND_MASK + 1)]
    shift, mask, vlen = abi.BTF_KIND_SHIFT, abi.BTF_KIND_MASK, abi.BTF_VLEN_MASK
    at, number, end = 0, 1, len(words)
    while at + _HEAD <= end:
        info = words[at + 1]
        kind = info >> shift & mask
        if words[at] == name and kind == abi.BTF_KIND_FUNC:
            return number
        size = sizes[kind]
        if size is None:
            raise BadAnswer(EBADMSG, f"type information: type {number} is of unknown kind {kind}")
        at += _HEAD + size[0] + size[1] * (info & vlen)
        number += 1
    return None
