"""The program that reaches one subflow: ``iter/tcp``, run by the kernel for every TCP socket.

In C it would read:

    SEC("iter/tcp") int option(struct bpf_iter__tcp *ctx)
    {
        struct sock_common *skc = ctx->sk_common;
        if (!skc || bpf_get_socket_cookie(skc) != order.cookie)
            return 0;
        struct tcp_sock *sk = bpf_skc_to_tcp_sock(skc);
        if (!sk)
            return 0;
        switch (order.operation) {
        case 0: order.result = bpf_getsockopt(sk, order.level, order.name, order.value, 4); break;
        ...
        }
        order.found = 1;
        return 0;
    }

``order`` lies in the memory of an array map, which the process has mapped too. The walk may meet a
socket twice, when its hash chain moves: doing it twice has the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from mptcpapi import abi
from mptcpapi.subflow_options.assembler import (
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    Instruction,
    add_constant,
    assemble,
    call,
    jump,
    jump_if_equal,
    jump_if_other,
    leave,
    load,
    map_value,
    move,
    move_constant,
    store,
    store_constant,
)

TARGET: Final = "bpf_iter_tcp"
"""The kernel function that stands for the walk over all TCP sockets."""

VALUE_SIZES: Final = (4, 16)
"""Sizes of values, in bytes: an integer, a name."""

OPERATIONS: Final = tuple(
    (helper, size)
    for helper in (abi.BPF_FUNC_getsockopt, abi.BPF_FUNC_setsockopt)
    for size in VALUE_SIZES
)
"""What can be ordered. Each size is a branch with a constant length: with a length from the order
the verifiers of older kernels (6.1) lose sight of its lower bound, and refuse the program."""

_ORDER: Final = Struct("=QiiIIi16s")
_COOKIE, _LEVEL, _NAME, _OPERATION, _FOUND, _RESULT, _VALUE = 0, 8, 12, 16, 20, 24, 28
_SK_COMMON: Final = 8
"""``sk_common`` in ``struct bpf_iter__tcp``, behind ``meta``."""

ORDER_SIZE: Final = _ORDER.size


class Order(NamedTuple):
    """What the program is to do."""

    cookie: int
    level: int
    name: int
    value: bytes
    change: bool


class Answer(NamedTuple):
    """What the program left in the order."""

    found: bool
    """Whether the walk met the subflow."""
    result: int
    """Of bpf_getsockopt or bpf_setsockopt: 0, or a negated errno."""
    value: bytes
    """What bpf_getsockopt wrote; as long as was ordered."""


def encode_order(cookie: int, level: int, name: int, value: bytes, *, change: bool) -> bytes:
    """An order: ``value`` is what to set, or zeros as long as what to get."""
    helper = abi.BPF_FUNC_setsockopt if change else abi.BPF_FUNC_getsockopt
    operation = OPERATIONS.index((helper, len(value)))
    return _ORDER.pack(cookie, level, name, operation, 0, 0, value)


def decode_order(order: bytes) -> Order:
    """What `encode_order` made."""
    cookie, level, name, operation, _, _, value = _ORDER.unpack(order)
    helper, size = OPERATIONS[operation]
    return Order(cookie, level, name, value[:size], change=helper == abi.BPF_FUNC_setsockopt)


def decode_answer(order: bytes) -> Answer:
    """The order after the walk."""
    _, _, _, operation, found, result, value = _ORDER.unpack(order)
    _, size = OPERATIONS[operation]
    return Answer(bool(found), result, value[:size])


def machine_code(map_fd: int) -> bytes:
    """The program, with its order in the map ``map_fd``."""
    return assemble(_program(map_fd))


def _program(map_fd: int) -> Iterator[Instruction | str]:
    yield load(R6, R1, _SK_COMMON, 8)
    yield jump_if_equal(R6, 0, "end")  # the last call of a walk is for no socket
    yield from map_value(R7, map_fd)

    yield move(R1, R6)
    yield call(abi.BPF_FUNC_get_socket_cookie)
    yield load(R1, R7, _COOKIE, 8)
    yield jump_if_other(R0, R1, "end")

    yield move(R1, R6)
    yield call(abi.BPF_FUNC_skc_to_tcp_sock)
    yield jump_if_equal(R0, 0, "end")  # in TIME_WAIT the cookie is left, and no options

    yield move(R1, R0)
    yield load(R2, R7, _LEVEL, 4)
    yield load(R3, R7, _NAME, 4)
    yield move(R4, R7)
    yield add_constant(R4, _VALUE)
    yield load(R0, R7, _OPERATION, 4)
    for number in range(len(OPERATIONS)):
        yield jump_if_equal(R0, number, f"operation {number}")
    yield jump("end")
    for number, (helper, size) in enumerate(OPERATIONS):
        yield f"operation {number}"
        yield move_constant(R5, size)
        yield call(helper)
        yield jump("done")

    yield "done"
    yield store(R7, _RESULT, R0, 4)
    yield store_constant(R7, _FOUND, 1, 4)
    yield "end"
    yield move_constant(R0, 0)
    yield leave()
