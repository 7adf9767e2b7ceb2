"""BPF instructions, and the program that is made of them."""

from itertools import pairwise
from struct import iter_unpack

import pytest

from mptcpapi import abi
from mptcpapi.subflow_options import assembler as asm
from mptcpapi.subflow_options import program
from mptcpapi.subflow_options.assembler import R0, R1, R5, R6, R7

VECTORS = {
    # opcode, registers (source, destination), offset, constant: RFC 9669, sections 3.1 and 4
    "79 16 08 00 00 00 00 00": asm.load(R6, R1, 8, 8),
    "61 72 08 00 00 00 00 00": asm.load(asm.R2, R7, 8, 4),
    "63 07 18 00 00 00 00 00": asm.store(R7, 24, R0, 4),
    "62 07 14 00 01 00 00 00": asm.store_constant(R7, 20, 1, 4),
    "bf 61 00 00 00 00 00 00": asm.move(R1, R6),
    "b7 05 00 00 10 00 00 00": asm.move_constant(R5, 16),
    "07 04 00 00 1c 00 00 00": asm.add_constant(asm.R4, 28),
    "85 00 00 00 2e 00 00 00": asm.call(abi.BPF_FUNC_get_socket_cookie),
    "95 00 00 00 00 00 00 00": asm.leave(),
}


@pytest.mark.parametrize("code", VECTORS)
def test_instructions_are_encoded_as_the_rfc_has_them(code: str) -> None:
    assert asm.assemble([VECTORS[code]]).hex(" ") == code


def test_jumps_count_from_the_next_instruction() -> None:
    code = asm.assemble(
        [
            asm.jump_if_equal(R6, 0, "end"),
            *asm.map_value(R7, 5),
            "again",
            asm.jump_if_other(R0, R1, "again"),
            asm.jump("end"),
            "end",
            asm.leave(),
        ]
    )

    assert code.hex(" ", 8).split() == [
        "1506040000000000",
        "1827000005000000",
        "0000000000000000",
        "5d10ffff00000000",
        "0500000000000000",
        "9500000000000000",
    ]


def test_a_jump_to_nowhere_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        asm.assemble([asm.jump("nowhere")])


def test_each_operation_has_a_constant_length() -> None:
    instructions = list(iter_unpack(abi.BPF_INSN.format, program.machine_code(3)))
    calls = []
    for before, (code, _, _, helper) in pairwise(instructions):
        if code == abi.BPF_JMP | abi.BPF_CALL and before[:2] == (0xB7, R5):
            calls.append((helper, before[3]))

    assert tuple(calls) == program.OPERATIONS
    assert set(calls) == {(57, 4), (57, 16), (49, 4), (49, 16)}


@pytest.mark.parametrize("change", [False, True])
@pytest.mark.parametrize("size", program.VALUE_SIZES)
def test_an_order_returns_as_an_answer(change: bool, size: int) -> None:
    order = program.encode_order(0xFFFFFFFFFFFFFFFF, 1, 36, b"v" * size, change=change)

    assert len(order) == program.ORDER_SIZE
    assert program.decode_answer(order) == program.Answer(False, 0, b"v" * size)


def test_an_answer_tells_the_errno() -> None:
    order = bytearray(program.encode_order(7, 6, 13, bytes(16), change=False))
    order[20:28] = (1).to_bytes(4, "little") + (-2 & 0xFFFFFFFF).to_bytes(4, "little")

    assert program.decode_answer(bytes(order))[:2] == (True, -2)
