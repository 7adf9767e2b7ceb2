"""MPTCP options as octets, and what they mean: from captures of Linux 6.18 where it sends them."""

from __future__ import annotations

from typing import Any

from lab.wire.mptcp import (
    AddAddr4,
    AddAddr4V0,
    AddAddr6,
    AddAddr6V0,
    Dss,
    MpCapableAck,
    MpCapableData,
    MpCapableSyn,
    MpCapableSynAck,
    MpExperimental,
    MpFail,
    MpFastclose,
    MpJoinAck,
    MpJoinSyn,
    MpJoinSynAck,
    MpPrio,
    MptcpOption,
    MpTcpRst,
    RemoveAddr,
)

KEY, PEER_KEY = 0x06A3EC4EC501EA88, 0xB97E16197229E837

VECTORS: list[tuple[str, type[MptcpOption], dict[str, Any]]] = [
    # tests/data/join_prio_v4.pcap, packets 1 to 4
    ("0101", MpCapableSyn, {"version": 1, "flags": "H"}),
    ("0101b97e16197229e837", MpCapableSynAck, {"sender_key": PEER_KEY}),
    (
        "010106a3ec4ec501ea88b97e16197229e837",
        MpCapableAck,
        {"sender_key": KEY, "receiver_key": PEER_KEY},
    ),
    (
        "010106a3ec4ec501ea88b97e16197229e837012c",
        MpCapableData,
        {
            "sender_key": KEY,
            "receiver_key": PEER_KEY,
            "data_level_length": 300,
            "checksum": None,
        },
    ),
    # the same, packets 8 to 10
    (
        "1107605cc030f60d821e",
        MpJoinSyn,
        {"backup": 1, "address_id": 7, "token": 0x605CC030, "nonce": 0xF60D821E},
    ),
    (
        "1000f1112da5a345cd55f7007d33",
        MpJoinSynAck,
        {
            "backup": 0,
            "address_id": 0,
            "hmac": bytes.fromhex("f1112da5a345cd55"),
            "nonce": 0xF7007D33,
        },
    ),
    (
        "100028b3c7729054297661db4270f477fa0f01cfef5a",
        MpJoinAck,
        {"hmac": bytes.fromhex("28b3c7729054297661db4270f477fa0f01cfef5a")},
    ),
    # the same, packets 5, 6 and 34
    ("2003d80a08af791a0afe", Dss, {"flags": "Aa", "data_ack": 0xD80A08AF791A0AFE}),
    (
        "200fd80a08af791a0c2ae2f95661b53dbe7a000000010032",
        Dss,
        {
            "flags": "AaMm",
            "data_ack": 0xD80A08AF791A0C2A,
            "dsn": 0xE2F95661B53DBE7A,
            "ssn": 1,
            "data_level_length": 50,
            "checksum": None,
        },
    ),
    (
        "201fe2f95661b53dbfa6d80a08af791a1206000000000001",
        Dss,
        {
            "flags": "AaMmF",
            "data_ack": 0xE2F95661B53DBFA6,
            "dsn": 0xD80A08AF791A1206,
            "ssn": 0,
            "data_level_length": 1,
            "checksum": None,
        },
    ),
    # the same, packets 18 and 29
    ("50", MpPrio, {"backup": 0, "address_id": None}),
    ("51", MpPrio, {"backup": 1, "address_id": None}),
    # tests/data/join_prio_v6_checksum.pcap, packets 11 and 13
    (
        "01811c941e54a6268741dbc5b705d0af6d4b012cf7f1",
        MpCapableData,
        {
            "flags": "HA",
            "sender_key": 0x1C941E54A6268741,
            "receiver_key": 0xDBC5B705D0AF6D4B,
            "data_level_length": 300,
            "checksum": 0xF7F1,
        },
    ),
    (
        "200f5cd91c0fb84440491d4a01e46eaca17a0000000100322fd7",
        Dss,
        {
            "flags": "AaMm",
            "data_ack": 0x5CD91C0FB8444049,
            "dsn": 0x1D4A01E46EACA17A,
            "ssn": 1,
            "data_level_length": 50,
            "checksum": 0x2FD7,
        },
    ),
    # scenarios/test_addresses.py: an address with and without its port, echoed, withdrawn
    (
        "30070a0002011b58148995037ff9b540",
        AddAddr4,
        {
            "echo": 0,
            "address_id": 7,
            "address": "10.0.2.1",
            "port": 7000,
            "hmac": bytes.fromhex("148995037ff9b540"),
        },
    ),
    (
        "31070a0002011b58",
        AddAddr4,
        {"echo": 1, "address_id": 7, "address": "10.0.2.1", "port": 7000},
    ),
    # tests/data/join_prio_v4.pcap, packets 22, 23 and 33
    (
        "30090a0002022b80a603d186bd98",
        AddAddr4,
        {
            "address_id": 9,
            "address": "10.0.2.2",
            "port": None,
            "hmac": bytes.fromhex("2b80a603d186bd98"),
        },
    ),
    ("31090a000202", AddAddr4, {"echo": 1, "address_id": 9, "address": "10.0.2.2"}),
    ("4009", RemoveAddr, {"address_ids": [9]}),
    # scenarios/test_addresses.py over IPv6
    (
        "3001fd000002000000000000000000000001a8c2e554d26fa0de",
        AddAddr6,
        {
            "address_id": 1,
            "address": "fd00:2::1",
            "port": None,
            "hmac": bytes.fromhex("a8c2e554d26fa0de"),
        },
    ),
    (
        "3101fd000002000000000000000000000001",
        AddAddr6,
        {"echo": 1, "address_id": 1, "address": "fd00:2::1", "port": None},
    ),
    # scenarios/test_addresses.py and test_closing.py: a connection and a subflow aborted
    ("70004eec7cf209ffd0a1", MpFastclose, {"receiver_key": 0x4EEC7CF209FFD0A1}),
    ("8000", MpTcpRst, {"flags": 0, "reason": 0}),
    # not seen from Linux yet: RFC 8684 sections 3.4.1 with port, 3.4.2, 3.6, 3.7 and 7.2
    (
        "3001fd000002000000000000000000000001" + "1b58" + "a8c2e554d26fa0de",
        AddAddr6,
        {
            "address_id": 1,
            "address": "fd00:2::1",
            "port": 7000,
            "hmac": bytes.fromhex("a8c2e554d26fa0de"),
        },
    ),
    (
        "3101fd0000020000000000000000000000011b58",
        AddAddr6,
        {"echo": 1, "address_id": 1, "address": "fd00:2::1", "port": 7000},
    ),
    ("40090a0b", RemoveAddr, {"address_ids": [9, 10, 11]}),
    ("8106", MpTcpRst, {"flags": "T", "reason": 6}),
    ("6000e2f95661b53dbe7a", MpFail, {"dsn": 0xE2F95661B53DBE7A}),
    ("f5c0ffee", MpExperimental, {"flags": 5, "data": bytes.fromhex("c0ffee")}),
    # RFC 6824 section 3.4.1
    ("34090a000202", AddAddr4V0, {"address_id": 9, "address": "10.0.2.2", "port": None}),
    ("34090a0002021b58", AddAddr4V0, {"address_id": 9, "address": "10.0.2.2", "port": 7000}),
    (
        "3601fd000002000000000000000000000001",
        AddAddr6V0,
        {"address_id": 1, "address": "fd00:2::1", "port": None},
    ),
    (
        "3601fd0000020000000000000000000000011b58",
        AddAddr6V0,
        {"address_id": 1, "address": "fd00:2::1", "port": 7000},
    ),
    # RFC 6824 section 3.1: the initiator's key stands in the SYN
    (
        "0001b97e16197229e837",
        MpCapableSynAck,
        {"version": 0, "flags": "H", "sender_key": PEER_KEY},
    ),
    # not sent by Linux: RFC 6824 section 3.3.8; RFC 8684 section 3.3.1, 32 bits; section 3.7
    ("5109", MpPrio, {"backup": 1, "address_id": 9}),
    (
        "200512345678fedcba98000000050064",
        Dss,
        {
            "flags": "AM",
            "data_ack": 0x12345678,
            "dsn": 0xFEDCBA98,
            "ssn": 5,
            "data_level_length": 100,
            "checksum": None,
        },
    ),
    (
        "2004fedcba980000000500000000",
        Dss,
        {"flags": "M", "dsn": 0xFEDCBA98, "ssn": 5, "data_level_length": 0, "checksum": 0},
    ),
]
