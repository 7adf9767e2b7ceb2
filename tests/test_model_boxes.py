"""Middleboxes in topology files: what may be declared becomes boxes, and what may not is told."""

from __future__ import annotations

from typing import Any

import pytest
from model_data import WIFI, pair, topology, wrong

from lab.middlebox.kinds import KINDS, Declared
from lab.model import Direction
from lab.model.boxes import Middlebox

GOOD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"strip": {"option": "30"}}, {"option": 30}),
    (
        {"strip": {"option": "30", "subtype": "MP_JOIN", "from": "syn", "after": "20 packets"}},
        {"option": 30, "subtype": "MP_JOIN", "origin": "syn", "packets": 20},
    ),
    (
        {"alter": {"option": "254", "octet": "4", "from": "not-syn", "after": "3 kB"}},
        {"option": 254, "octet": 4, "origin": "not-syn", "payload": 3000},
    ),
    ({"sequence": {}}, {}),
    ({"sequence": {"offset": "random", "sack": "untouched"}}, {"offset": None, "sack": False}),
    ({"sequence": {"offset": "4294967295"}}, {"offset": 2**32 - 1}),
    ({"split": {"at": "500 B", "options": "first"}}, {"size": 500, "options": "first"}),
    ({"coalesce": {"up_to": "1400 B", "wait": "5 ms"}}, {"size": 1400, "wait": 0.005}),
    ({"payload": {"replace": "no", "with": "\xe9"}}, {"text": "no", "other": "\xe9"}),
    ({"drop": {"option": "30", "from": "syn"}}, {"option": 30, "origin": "syn"}),
    ({"drop": {"after": "1 B"}}, {"payload": 1}),
    ({"reset": {"from": "all", "to": "both"}}, {"origin": "all", "to": "both"}),
]


@pytest.mark.parametrize(("written", "arguments"), GOOD)
def test_what_is_declared(written: dict[str, Any], arguments: dict[str, Any]) -> None:
    (kind,) = written
    link = topology(pair(there={"middlebox": [written]})).links["wifi"]

    (box,) = link.there.middlebox
    assert box.declared() == Declared(kind, arguments)
    assert isinstance(box.declared().make(), KINDS[kind])
    assert link.back == Direction()


def test_every_kind_can_be_declared() -> None:
    assert set(Middlebox.kinds()) == set(KINDS) == {kind for written, _ in GOOD for kind in written}


def test_boxes_of_both_directions_keep_their_order() -> None:
    boxes = [written for written, _ in GOOD[:3]]
    link = topology(pair(middlebox=boxes)).links["wifi"]
    kinds = [box.declared().kind for box in link.there.middlebox]
    assert kinds == ["strip", "strip", "alter"]
    assert link.back.middlebox == link.there.middlebox


BAD: list[tuple[Any, tuple[str | int, ...], str]] = [
    ({"stip": {}}, ("stip",), "unknown key 'stip' (did you mean 'strip'? known: alter, coalesce,"),
    ({}, (), "a middlebox is one key, its kind, with what it does (known: alter,"),
    ({"drop": {"after": "1 B"}, "sequence": {}}, (), "a middlebox is one key, its kind,"),
    ("strip", (), "entry 1 of 'middlebox' is a mapping (key: value), not 'strip'"),
    ({"strip": None}, ("strip",), "'strip' has no value; a mapping without keys is written {}"),
    ({"sequence": "random"}, ("sequence",), "'sequence' is a mapping (key: value), not 'random'"),
    ({"strip": {}}, ("strip",), "'strip' needs the key 'option'"),
    ({"strip": {"option": None}}, ("strip", "option"), "nothing where a value such as 30 belongs"),
    ({"strip": {"option": "1"}}, ("strip", "option"), "'1' is not a kind of TCP option (2 to 254)"),
    (
        {"strip": {"option": "30", "subtype": "MP_JION"}},
        ("strip", "subtype"),
        "unknown MPTCP subtype 'MP_JION' (did you mean 'MP_JOIN'? known: ADD_ADDR, DSS,",
    ),
    (
        {"strip": {"option": "3", "subtype": "DSS"}},
        ("strip",),
        "'subtype' is one of Multipath TCP's: it needs 'option: 30'",
    ),
    (
        {"strip": {"option": "30", "from": "sin"}},
        ("strip", "from"),
        "unknown kind of segments 'sin' (did you mean 'syn'? known: all, not-syn, syn)",
    ),
    (
        {"strip": {"option": "30", "after": "20"}},
        ("strip", "after"),
        "'20' needs a number and a unit (packets, B, kB, MB, GB)",
    ),
    (
        {"alter": {"option": "30", "octet": "40"}},
        ("alter", "octet"),
        "'40' is not an octet of an option's value (2 to 39)",
    ),
    (
        {"sequence": {"offset": "0"}},
        ("sequence", "offset"),
        "'0' is not 'random' or an offset (1 to 4294967295)",
    ),
    (
        {"sequence": {"sack": "no"}},
        ("sequence", "sack"),
        "unknown treatment of SACK 'no' (known: translated, untouched)",
    ),
    (
        {"split": {"to": "9 B"}},
        ("split", "to"),
        "unknown key 'to' (",
    ),
    ({"split": {"at": "0 B"}}, ("split", "at"), "'0 B' is out of range (1 B to 1000 GB)"),
    (
        {"split": {"at": "9 B", "options": "al"}},
        ("split", "options"),
        "unknown choice of pieces 'al' (did you mean 'all'? known: all, first)",
    ),
    ({"coalesce": {"up_to": "9 B"}}, ("coalesce",), "'coalesce' needs the key 'wait'"),
    (
        {"payload": {"replace": "", "with": "x"}},
        ("payload", "replace"),
        "the text has 0 bytes (1 to 1000 are possible)",
    ),
    ({"drop": {}}, ("drop",), "it says of no segments that they are meant: option, subtype, from,"),
    ({"reset": {"to": "both"}}, ("reset",), "it says of no segments that they are meant"),
    (
        {"reset": {"from": "syn", "to": "receiver"}},
        ("reset", "to"),
        "unknown addressee 'receiver' (",
    ),
]


@pytest.mark.parametrize(("written", "place", "message"), BAD)
def test_mistakes(written: Any, place: tuple[str | int, ...], message: str) -> None:
    found = wrong(pair(back={"middlebox": [written]}))
    path = (*WIFI, "back", "middlebox", 0, *place)
    assert message in found[path]


@pytest.mark.parametrize(("written", "what"), [({"strip": {}}, "a mapping"), ([], "a list")])
def test_boxes_are_a_list(written: object, what: str) -> None:
    message = f"{what} where a list of middleboxes belongs: [{{strip: {{option: 30}}}}]"
    assert wrong(pair(middlebox=written)) == {(*WIFI, "middlebox"): message}
