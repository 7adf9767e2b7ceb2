"""Finding a function in the kernel's type information."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcpapi import abi
from mptcpapi.errors import BadAnswer
from mptcpapi.subflow_options.btf import function_id

NAMES = b"\0int\0bpf_iter_tcp_meta\0bpf_iter_tcp\0"
NAME = NAMES.index(b"\0bpf_iter_tcp\0") + 1
FUNCTION = (abi.BTF_KIND_FUNC, 0, NAME)


def type_information(*types: tuple[int, int, int], names: bytes = NAMES) -> bytes:
    """One type for each (kind, vlen, offset of its name), with as many words as its kind has."""
    body = b""
    for kind, vlen, name in types:
        body += pack("=3I", name, kind << abi.BTF_KIND_SHIFT | vlen, 0)
        fixed, each = abi.BTF_KIND_SIZES[kind]
        body += pack("=I", 0xFFFFFFFF) * (fixed + each * vlen)
    header = (abi.BTF_MAGIC, 1, 0, abi.BTF_HEADER.size, 0, len(body), len(body), len(names))
    return abi.BTF_HEADER.pack(*header) + body + names


@pytest.mark.parametrize("kind", abi.BTF_KIND_SIZES)
@pytest.mark.parametrize("vlen", [0, 1, 3])
def test_types_of_every_kind_are_stepped_over(kind: int, vlen: int) -> None:
    data = type_information((kind, vlen, 0), (1, 0, 1), FUNCTION)

    assert function_id(data, "bpf_iter_tcp") == 3


def test_another_thing_of_the_same_name_is_not_the_function() -> None:
    typedef = (8, 0, NAME)

    assert function_id(type_information(typedef, FUNCTION), "bpf_iter_tcp") == 2
    assert function_id(type_information(typedef), "bpf_iter_tcp") is None


def test_a_name_must_match_as_a_whole() -> None:
    assert function_id(type_information(FUNCTION), "bpf_iter") is None
    assert function_id(type_information(FUNCTION), "iter_tcp") is None


def test_an_unknown_kind_cannot_be_stepped_over() -> None:
    data = bytearray(type_information((1, 0, 1), FUNCTION))
    data[abi.BTF_HEADER.size + 7] = 31

    with pytest.raises(BadAnswer, match="type 1 is of unknown kind 31"):
        function_id(bytes(data), "bpf_iter_tcp")


@given(st.binary())
def test_arbitrary_bytes_give_a_typed_error(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        function_id(data, "bpf_iter_tcp")


@given(st.data())
def test_a_damaged_part_gives_an_answer_or_a_typed_error(data: st.DataObject) -> None:
    whole = bytearray(type_information((4, 2, 1), (13, 3, 0), FUNCTION))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(0, len(whole)))])

    try:
        assert function_id(damaged, "bpf_iter_tcp") in {None, 1, 2, 3}
    except BadAnswer as error:
        assert error.strerror.startswith("type")  # noqa: PT017 - both outcomes are right
