"""MPTCP options as Scapy layers: vectors from captures of Linux 6.18, then every form there is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mptcp_vectors import VECTORS
from scapy.layers.inet import IP, TCP, RandTCPOptions, TCPerror, TCPOptionsField
from scapy.packet import Raw

from lab.wire import mptcp
from lab.wire.mptcp import (
    AddAddr,
    AddAddr4,
    AddAddr4V0,
    AddAddr6,
    AddAddr6V0,
    Dss,
    MpCapable,
    MpCapableAck,
    MpCapableData,
    MpCapableSyn,
    MpCapableSynAck,
    MpExperimental,
    MpFail,
    MpFastclose,
    MpJoin,
    MpJoinAck,
    MpJoinSyn,
    MpJoinSynAck,
    MpPrio,
    MptcpOption,
    MpTcpRst,
    RemoveAddr,
    tcp_options,
)

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A slow machine is no failure."""


def dissect(options: bytes) -> list[tuple[Any, Any]]:
    """Return what Scapy shows of the options of a TCP header."""
    padded = options + bytes(-len(options) % 4)
    header = bytes(12) + bytes([(20 + len(padded)) // 4 << 4, 0]) + bytes(6)
    shown: list[tuple[Any, Any]] = TCP(header + padded).options
    return shown


def rebuilt(layer: MptcpOption) -> bytes:
    """Build a dissected layer from its fields, not from the octets that Scapy keeps."""
    layer.raw_packet_cache = None
    return bytes(layer)


@pytest.mark.parametrize(("octets", "layer", "fields"), VECTORS)
def test_vector_is_dissected_to_its_fields(
    octets: str, layer: type[MptcpOption], fields: dict[str, Any]
) -> None:
    option = MptcpOption(bytes.fromhex(octets))

    assert type(option) is layer
    assert {name: getattr(option, name) for name in fields} == fields


@pytest.mark.parametrize(("octets", "layer", "fields"), VECTORS)
def test_vector_is_built_from_its_fields(
    octets: str, layer: type[MptcpOption], fields: dict[str, Any]
) -> None:
    assert bytes(layer(**fields)).hex() == octets


@pytest.mark.parametrize(("octets", "layer", "fields"), VECTORS)
def test_tcp_shows_and_builds_the_option(
    octets: str, layer: type[MptcpOption], fields: dict[str, Any]
) -> None:
    value = bytes.fromhex(octets)
    packet = IP(src="10.0.0.1", dst="10.0.0.2") / TCP(
        options=[("NOP", None), ("MPTCP", layer(**fields))]
    )
    header = bytes(packet[TCP])[20:]

    assert header.startswith(bytes([1, 30, 2 + len(value)]) + value)
    _nop, (name, option), *_padding = IP(bytes(packet))[TCP].options
    assert name == "MPTCP"
    assert type(option) is layer
    assert rebuilt(option) == value


@pytest.mark.parametrize(
    ("option", "octets"),
    [
        (MpCapableSyn(), "0101"),
        (MpCapableSynAck(), "0101" + "00" * 8),
        (MpCapableAck(), "0101" + "00" * 16),
        (MpCapableData(), "0101" + "00" * 18),
        (MpJoinSyn(), "1000" + "00" * 8),
        (MpJoinSynAck(), "1000" + "00" * 12),
        (MpJoinAck(), "1000" + "00" * 20),
        (Dss(), "2000"),
        (Dss(flags="AM"), "2005" + "00" * 14),
        (AddAddr4(), "3000" + "00" * 12),
        (AddAddr4(echo=1), "3100" + "00" * 4),
        (AddAddr6(), "3000" + "00" * 24),
        (AddAddr6(echo=1), "3100" + "00" * 16),
        (AddAddr4V0(), "3400" + "00" * 4),
        (AddAddr6V0(), "3600" + "00" * 16),
        (RemoveAddr(address_ids=[0]), "4000"),
        (MpPrio(), "50"),
        (MpFail(), "6000" + "00" * 8),
        (MpFastclose(), "7000" + "00" * 8),
        (MpTcpRst(), "8000"),
        (MpExperimental(), "f0"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, MptcpOption) else "",
)
def test_what_is_not_given_is_zero(option: MptcpOption, octets: str) -> None:
    """But version 1, and HMAC-SHA256 as the algorithm: RFC 8684 defines no other."""
    assert bytes(option).hex() == octets
    assert type(MptcpOption(bytes(option))) is type(option)


def test_absent_fields_of_a_dss_are_none() -> None:
    option = MptcpOption(bytes.fromhex("2003d80a08af791a0afe"))

    assert (option.dsn, option.ssn, option.data_level_length, option.checksum) == (None,) * 4
    assert not option.flags.F


def test_dss_flags_are_those_of_the_rfc() -> None:
    bits = {Dss.ACK: "A", Dss.ACK_8: "a", Dss.MAP: "M", Dss.MAP_8: "m", Dss.DATA_FIN: "F"}

    assert {bit: str(Dss(flags=bit).flags) for bit in bits} == bits
    assert bytes(Dss(flags="F")) == b"\x20\x10"


def test_forms_are_told_apart_and_belong_together() -> None:
    layers = {subtype: [form.layer for form in forms] for subtype, forms in mptcp.FORMS.items()}

    assert layers[mptcp.Subtype.MP_JOIN] == [MpJoinSyn, MpJoinSynAck, MpJoinAck]
    assert all(issubclass(layer, MpCapable) for layer in layers[mptcp.Subtype.MP_CAPABLE])
    assert all(issubclass(layer, MpJoin) for layer in layers[mptcp.Subtype.MP_JOIN])
    assert all(issubclass(layer, AddAddr) for layer in layers[mptcp.Subtype.ADD_ADDR])


BIT = st.integers(0, 1)
BYTE, SHORT, INT, LONG = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
CAPABLE = {"version": st.integers(0, 15), "flags": BYTE}
JOIN = {"reserved": st.integers(0, 7), "backup": BIT, "address_id": BYTE}
MAPPING = {"ssn": INT, "data_level_length": SHORT, "checksum": st.none() | SHORT}


@st.composite
def dss(draw: st.DrawFn) -> MptcpOption:
    flags = draw(st.integers(0, 31))
    fields: dict[str, Any] = {"reserved": draw(st.integers(0, 127)), "flags": flags}
    if flags & Dss.ACK:
        fields["data_ack"] = draw(LONG if flags & Dss.ACK_8 else INT)
    if flags & Dss.MAP:
        fields["dsn"] = draw(LONG if flags & Dss.MAP_8 else INT)
        fields |= draw(st.fixed_dictionaries(MAPPING))
    return Dss(**fields)


IPV4, IPV6 = st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)


@st.composite
def add_addr(draw: st.DrawFn) -> MptcpOption:
    layer, address = draw(st.sampled_from([(AddAddr4, IPV4), (AddAddr6, IPV6)]))
    fields = {
        "reserved": draw(st.integers(0, 7)),
        "echo": draw(BIT),
        "address_id": draw(BYTE),
        "address": draw(address),
        "port": draw(st.none() | SHORT),
    }
    if not fields["echo"]:
        fields["hmac"] = draw(st.binary(min_size=8, max_size=8))
    return layer(**fields)


ANY_FORM = st.one_of(
    st.builds(MpCapableSyn, **CAPABLE),
    st.builds(MpCapableSynAck, **CAPABLE, sender_key=LONG),
    st.builds(MpCapableAck, **CAPABLE, sender_key=LONG, receiver_key=LONG),
    st.builds(
        MpCapableData,
        **CAPABLE,
        sender_key=LONG,
        receiver_key=LONG,
        data_level_length=SHORT,
        checksum=st.none() | SHORT,
    ),
    st.builds(MpJoinSyn, **JOIN, token=INT, nonce=INT),
    st.builds(MpJoinSynAck, **JOIN, hmac=st.binary(min_size=8, max_size=8), nonce=INT),
    st.builds(MpJoinAck, reserved=st.integers(0, 4095), hmac=st.binary(min_size=20, max_size=20)),
    dss(),
    st.builds(MpPrio, reserved=st.integers(0, 7), backup=BIT, address_id=st.none() | BYTE),
    add_addr(),
    st.builds(AddAddr4V0, address_id=BYTE, address=IPV4, port=st.none() | SHORT),
    st.builds(AddAddr6V0, address_id=BYTE, address=IPV6, port=st.none() | SHORT),
    st.builds(
        RemoveAddr,
        reserved=st.integers(0, 15),
        address_ids=st.lists(BYTE, min_size=1, max_size=37),
    ),
    st.builds(MpFail, reserved=st.integers(0, 4095), dsn=LONG),
    st.builds(MpFastclose, reserved=st.integers(0, 4095), receiver_key=LONG),
    st.builds(MpTcpRst, flags=st.integers(0, 15), reason=BYTE),
    st.builds(MpExperimental, flags=st.integers(0, 15), data=st.binary(max_size=37)),
    st.builds(
        MptcpOption,
        subtype=st.sampled_from([9, 10, 11, 12, 13, 14]),
        flags=st.integers(0, 15),
        data=st.binary(max_size=37),
    ),
)


@PATIENT
@given(ANY_FORM)
def test_every_form_survives_build_dissect_build(option: MptcpOption) -> None:
    built = bytes(TCP(options=[("MPTCP", option)]))

    ((_name, seen), *padding) = TCP(built).options
    assert type(seen) is type(option)
    assert {name: seen.getfieldval(name) for name in option.fields} == option.fields
    assert set(padding) <= {("EOL", None)}
    seen.raw_packet_cache = None
    assert bytes(TCP(options=[("MPTCP", seen)])) == built


@PATIENT
@given(st.binary(min_size=1, max_size=38))
def test_any_value_is_dissected_and_built_again(value: bytes) -> None:
    assert rebuilt(MptcpOption(value)) == value
    assert mptcp.label(value)


@PATIENT
@given(st.binary(max_size=39))
def test_garbage_behind_our_kind_never_raises(garbage: bytes) -> None:
    for name, value in dissect(b"\x1e" + garbage):
        assert name != 30
        assert isinstance(value, (bytes, MptcpOption)) or name != "MPTCP"


MALFORMED = {
    "length 0": ("1e0051ff", [("MPTCP", b"")]),
    "length 1": ("1e0151ff", [("MPTCP", b"")]),
    "length 2, nothing inside": ("1e020101", [("MPTCP", b""), ("NOP", None), ("NOP", None)]),
    "kind only": ("0101011e", [("NOP", None)] * 3 + [("MPTCP", b"")]),
    "beyond the header": ("1e085100", [("MPTCP", b"\x51\x00")]),
}


@pytest.mark.parametrize(("octets", "shown"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_option_stays_bytes(octets: str, shown: list[tuple[str, Any]]) -> None:
    options = dissect(bytes.fromhex(octets))

    assert options[: len(shown)] == shown
    assert mptcp.values(bytes.fromhex(octets)) == []


@pytest.mark.parametrize(
    "octets",
    [
        "010100",
        "1107605cc030f60d82",
        "20",
        "200300000000",
        "2005000000000000",
        "510909",
        "31090a0002022b80a603d186bd98",
        "30090a000202",
        "35090a0002",
        "40",
        "6000e2f9",
        "70004eec7cf209ffd0a100",
        "80",
    ],
    ids=[
        "MP_CAPABLE",
        "MP_JOIN",
        "DSS without flags",
        "DSS, A",
        "DSS, M",
        "MP_PRIO",
        "ADD_ADDR, echo with an HMAC",
        "ADD_ADDR without an HMAC",
        "ADD_ADDR",
        "REMOVE_ADDR",
        "MP_FAIL",
        "MP_FASTCLOSE",
        "MP_TCPRST",
    ],
)
def test_wrong_length_for_the_subtype_keeps_subtype_and_octets(octets: str) -> None:
    value = bytes.fromhex(octets)

    option = MptcpOption(value)

    assert type(option) is MptcpOption
    assert option.subtype == value[0] >> 4
    assert rebuilt(option) == value
    assert mptcp.label(value) == f"malformed {mptcp.Subtype(value[0] >> 4).name}"


def test_a_subtype_without_a_layer_is_numbered() -> None:
    assert type(MptcpOption(b"\xc0")) is MptcpOption
    assert mptcp.label(b"\xc0") == "subtype 12"


def test_a_short_option_of_another_kind_stays_bytes() -> None:
    """Scapy's own dissector of TCP-AO (kind 29) raises when that option is too short."""
    assert dissect(bytes.fromhex("1d0305")) == [(29, b"\x05"), ("EOL", None)]


def test_the_package_needs_scapy_alone(tmp_path: Path) -> None:
    """It could be offered to Scapy as it stands: a copy elsewhere works without the lab."""
    shutil.copytree(Path(mptcp.__file__).parent, tmp_path / "contributed")
    program = (
        "import sys, contributed\n"
        "from scapy.layers.inet import TCP\n"
        "octets = bytes(TCP(options=[('MPTCP', contributed.MpPrio(backup=1))]))\n"
        "print(TCP(octets).options[0], 'lab' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("('MPTCP', <MpPrio ")
    assert done.stdout.endswith(") False\n")


def test_subtypes_are_those_of_the_rfc() -> None:
    """The registry of RFC 8684, section 7.2."""
    names = [mptcp.SUBTYPES.get(number) for number in range(16)]

    assert names == [
        "MP_CAPABLE",
        "MP_JOIN",
        "DSS",
        "ADD_ADDR",
        "REMOVE_ADDR",
        "MP_PRIO",
        "MP_FAIL",
        "MP_FASTCLOSE",
        "MP_TCPRST",
        *[None] * 6,
        "MP_EXPERIMENTAL",
    ]


def test_label_counts_the_forms_together() -> None:
    labels = {mptcp.label(bytes.fromhex(octets)) for octets, _layer, _fields in VECTORS}

    assert labels == {
        "MpCapable",
        "MpJoin",
        "Dss",
        "AddAddr",
        "RemoveAddr",
        "MpPrio",
        "MpFail",
        "MpFastclose",
        "MpTcpRst",
        "MpExperimental",
    }


def test_what_follows_a_broken_option_or_the_end_is_not_read() -> None:
    """The kernel does not read it either: these are not the sender's options."""
    for broken in ("1e00", "1e01", "0200", "0201", "00", "0003ff", "00040000"):
        assert mptcp.values(bytes.fromhex(broken + "1e0351")) == []


def test_options_around_ours_are_those_of_scapy() -> None:
    options = dissect(bytes.fromhex("04020101080a80d2d5d1a6a838db1e0351"))

    assert options[:5] == [
        ("SAckOK", b""),
        ("NOP", None),
        ("NOP", None),
        ("Timestamp", (0x80D2D5D1, 0xA6A838DB)),
        ("MPTCP", MpPrio(b"\x51")),
    ]


def test_several_options_in_one_header() -> None:
    octets = bytes.fromhex("1e0c2003d80a08af791a0afe1e035101")

    assert [type(option) for name, option in dissect(octets) if name == "MPTCP"] == [Dss, MpPrio]
    assert mptcp.values(octets) == [octets[2:12], b"\x51"]


@PATIENT
@given(st.binary(max_size=60))
def test_split_loses_nothing(options: bytes) -> None:
    pieces = list(tcp_options.split(options))

    assert b"".join(pieces) == options
    assert all(pieces)


def test_tcp_quoted_by_icmp_shows_our_options_too() -> None:
    octets = bytes(TCP(options=[("MPTCP", MpPrio(backup=1))]))

    assert TCPerror(octets).options[0] == ("MPTCP", MpPrio(b"\x51"))


def test_copy_of_a_packet_has_options_of_its_own() -> None:
    packet = TCP(options=[("MPTCP", MpPrio(backup=0))])

    copy = packet.copy()
    copy.options[0][1].backup = 1

    assert not packet.options[0][1].backup


def test_random_options_survive_a_copy() -> None:
    copy = TCP(options=RandTCPOptions()).copy()

    assert isinstance(copy.fields["options"], RandTCPOptions)


def test_a_second_registration_changes_nothing() -> None:
    before = list(TCP.fields_desc)

    tcp_options.register(mptcp.KIND, "MPTCP", MptcpOption)

    assert all(one is other for one, other in zip(before, TCP.fields_desc, strict=True))


def test_layer_already_in_use_is_taught() -> None:
    class OldTcp(TCP):  # type: ignore[misc]  # Scapy is Any to mypy
        fields_desc = [  # noqa: RUF012  # Scapy's way to declare a layer
            *TCP.fields_desc[:-1],
            TCPOptionsField("options", ""),
        ]

    octets = bytes(TCP(options=[("MPTCP", MpPrio(backup=1))]) / Raw(b"x"))
    assert OldTcp(octets).options[0] == ("MPTCP", b"\x51")

    tcp_options.install(OldTcp)

    assert OldTcp(octets).options[0] == ("MPTCP", MpPrio(b"\x51"))
