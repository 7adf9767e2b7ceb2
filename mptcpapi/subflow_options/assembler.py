"""BPF instructions by name, and jumps by label (RFC 9669).

A program is a sequence of instructions and of labels, which are strings; ``assemble`` makes of it
the bytes that the kernel takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from mptcpapi import abi

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = range(11)
"""Registers. R0 has the result, of a helper and of the program; R1 to R5 have the arguments of a
helper, which destroys them, and R1 at first the program's context; the others keep their values."""

_SIZES: Final = {4: abi.BPF_W, 8: abi.BPF_DW}


class Instruction(NamedTuple):
    """One ``struct bpf_insn``."""

    code: int
    dst: int = 0
    """Register"""
    src: int = 0
    """Register, or what kind of constant ``imm`` is"""
    off: int = 0
    """Of an address, in bytes"""
    imm: int = 0
    """The constant"""
    target: str | None = None
    """The label that a jump goes to; it takes the place of ``off``."""


def assemble(program: Iterable[Instruction | str]) -> bytes:
    """The program as the kernel takes it.

    :raises KeyError: a jump to a label that is not there
    """
    instructions: list[Instruction] = []
    labels: dict[str, int] = {}
    for part in program:
        if isinstance(part, str):
            labels[part] = len(instructions)
        else:
            instructions.append(part)
    return b"".join(_encode(each, place, labels) for place, each in enumerate(instructions))


def _encode(instruction: Instruction, place: int, labels: dict[str, int]) -> bytes:
    code, dst, src, off, imm, target = instruction
    if target is not None:
        off = labels[target] - place - 1  # counted from the instruction behind the jump
    return abi.BPF_INSN.pack(code, dst | src << 4, off, imm)


def load(dst: int, address: int, off: int, size: int) -> Instruction:
    """``dst`` = the ``size`` bytes at ``address`` + ``off``"""
    return Instruction(abi.BPF_LDX | abi.BPF_MEM | _SIZES[size], dst, address, off)


def store(address: int, off: int, src: int, size: int) -> Instruction:
    """The ``size`` bytes at ``address`` + ``off`` = ``src``"""
    return Instruction(abi.BPF_STX | abi.BPF_MEM | _SIZES[size], address, src, off)


def store_constant(address: int, off: int, constant: int, size: int) -> Instruction:
    """The ``size`` bytes at ``address`` + ``off`` = ``constant``"""
    return Instruction(abi.BPF_ST | abi.BPF_MEM | _SIZES[size], address, 0, off, constant)


def move(dst: int, src: int) -> Instruction:
    """``dst`` = ``src``"""
    return Instruction(abi.BPF_ALU64 | abi.BPF_MOV | abi.BPF_X, dst, src)


def move_constant(dst: int, constant: int) -> Instruction:
    """``dst`` = ``constant``"""
    return Instruction(abi.BPF_ALU64 | abi.BPF_MOV | abi.BPF_K, dst, imm=constant)


def add_constant(dst: int, constant: int) -> Instruction:
    """``dst`` += ``constant``"""
    return Instruction(abi.BPF_ALU64 | abi.BPF_ADD | abi.BPF_K, dst, imm=constant)


def map_value(dst: int, map_fd: int) -> tuple[Instruction, Instruction]:
    """``dst`` = the address of the value of a map that has one element; two instructions long."""
    code = abi.BPF_LD | abi.BPF_IMM | abi.BPF_DW
    return Instruction(code, dst, abi.BPF_PSEUDO_MAP_VALUE, imm=map_fd), Instruction(0)


def jump(target: str) -> Instruction:
    """Go on at the label."""
    return Instruction(abi.BPF_JMP | abi.BPF_JA, target=target)


def jump_if_equal(dst: int, constant: int, target: str) -> Instruction:
    """Go on at the label if ``dst`` is ``constant``."""
    return Instruction(abi.BPF_JMP | abi.BPF_JEQ | abi.BPF_K, dst, imm=constant, target=target)


def jump_if_other(dst: int, src: int, target: str) -> Instruction:
    """Go on at the label if ``dst`` is not ``src``."""
    return Instruction(abi.BPF_JMP | abi.BPF_JNE | abi.BPF_X, dst, src, target=target)


def call(helper: int) -> Instruction:
    """R0 = what the kernel's helper (``BPF_FUNC_*``) returns for R1 to R5"""
    return Instruction(abi.BPF_JMP | abi.BPF_CALL, imm=helper)


def leave() -> Instruction:
    """End the program; its result is R0."""
    return Instruction(abi.BPF_JMP | abi.BPF_EXIT)
