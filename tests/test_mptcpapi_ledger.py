"""What is inferred from events, and from the state of a connection."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from mptcpapi import Endpoint, Event, EventKind, TcpState
from mptcpapi.info import Subflow
from mptcpapi.ledger import Ledger

TOKEN, OTHER = 7, 8
WIFI, LTE = Endpoint("10.0.1.1", 40001), Endpoint("10.0.2.1", 40002)
SERVER = Endpoint("10.0.9.2", 5001)


def event(kind: EventKind, local: Endpoint | None = LTE, token: int = TOKEN) -> Event:
    return Event(kind, 1.0, token=token, local=local, remote=local and SERVER)


def entry(number: int, local: Endpoint, state: TcpState = TcpState.ESTABLISHED) -> Subflow:
    return Subflow(number, local, SERVER, state)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def told(ledger: Ledger, *events: Event) -> list[tuple[str, Endpoint | None, bool]]:
    """Kind, local end, and whether it is inferred, of all that comes of these events."""
    found = [each for given in events for each in ledger.complete(given)]
    return [(each.kind.name, each.local, each.inferred) for each in found]


def test_the_end_of_a_connection_is_the_end_of_its_subflows(ledger: Ledger) -> None:
    told(ledger, event(EventKind.CREATED, WIFI), event(EventKind.ESTABLISHED, WIFI))
    told(ledger, event(EventKind.SUB_ESTABLISHED), event(EventKind.SUB_ESTABLISHED, token=OTHER))

    assert told(ledger, event(EventKind.CLOSED, None)) == [
        ("SUB_CLOSED", WIFI, True),
        ("SUB_CLOSED", LTE, True),
        ("CLOSED", None, False),
    ]


def test_a_subflow_ends_once(ledger: Ledger) -> None:
    told(ledger, event(EventKind.SUB_ESTABLISHED), event(EventKind.SUB_CLOSED))

    assert told(ledger, event(EventKind.CLOSED, None)) == [("CLOSED", None, False)]


def test_a_missing_remote_port_is_filled_in(ledger: Ledger) -> None:
    list(ledger.catch_up(TOKEN, [entry(2, LTE, TcpState.SYN_SENT)], 2.0))
    closed = replace(event(EventKind.SUB_CLOSED), remote=Endpoint(SERVER.host, 0))

    (completed,) = ledger.complete(closed)

    assert completed == event(EventKind.SUB_CLOSED)


def test_a_missing_remote_port_that_is_not_known_stays_0(ledger: Ledger) -> None:
    closed = replace(event(EventKind.SUB_CLOSED), remote=Endpoint(SERVER.host, 0))

    assert list(ledger.complete(closed)) == [closed]


def test_a_late_listener_is_told_of_the_subflows(ledger: Ledger) -> None:
    entries = [
        entry(1, WIFI),
        entry(2, LTE),
        entry(3, LTE._replace(port=1), TcpState.SYN_SENT),
        entry(4, LTE._replace(port=2), TcpState.CLOSE),
    ]

    found = list(ledger.catch_up(TOKEN, entries, 2.0))

    assert [(each.kind.name, each.local) for each in found] == [
        ("ESTABLISHED", WIFI),
        ("SUB_ESTABLISHED", LTE),
    ]
    assert all(each.inferred and each.received == 2.0 for each in found)


def test_what_was_inferred_is_not_told_again_by_its_event(ledger: Ledger) -> None:
    list(ledger.catch_up(TOKEN, [entry(1, WIFI), entry(2, LTE)], 2.0))

    assert told(ledger, event(EventKind.SUB_ESTABLISHED)) == []


def test_a_subflow_of_the_same_ends_can_follow(ledger: Ledger) -> None:
    told(ledger, event(EventKind.SUB_ESTABLISHED), event(EventKind.SUB_CLOSED))

    assert told(ledger, event(EventKind.SUB_ESTABLISHED)) == [("SUB_ESTABLISHED", LTE, False)]


def test_a_second_look_tells_what_changed(ledger: Ledger) -> None:
    list(ledger.catch_up(TOKEN, [entry(1, WIFI), entry(2, LTE)], 2.0))

    found = list(ledger.catch_up(TOKEN, [entry(1, WIFI, TcpState.CLOSE), entry(2, LTE)], 3.0))

    assert [(each.kind.name, each.local) for each in found] == [("SUB_CLOSED", WIFI)]


def inferred(found: Iterable[Event]) -> list[tuple[str, Endpoint | None]]:
    """Kind and local end of events, all of which are inferred."""
    events = list(found)
    assert all(each.inferred and each.token == TOKEN for each in events)
    return [(each.kind.name, each.local) for each in events]


def test_an_end_of_which_the_kernel_says_nothing(ledger: Ledger) -> None:
    told(ledger, event(EventKind.SUB_ESTABLISHED), event(EventKind.SUB_ESTABLISHED, token=OTHER))

    assert inferred(ledger.end(TOKEN, 2.0)) == [("SUB_CLOSED", LTE), ("CLOSED", None)]
    assert inferred(ledger.end(TOKEN, 3.0)) == []
    assert told(ledger, event(EventKind.CLOSED, None)) == []


def test_an_end_of_which_nothing_else_was_told(ledger: Ledger) -> None:
    """Of a connection that is followed; of others nobody knows that they were."""
    ledger.follow(TOKEN)

    assert inferred(ledger.end(TOKEN, 2.0)) == [("CLOSED", None)]
    assert inferred(ledger.end(OTHER, 2.0)) == []


def test_what_comes_after_the_end_is_not_its_beginning(ledger: Ledger) -> None:
    """Linux tells of a client that closes at once that it is established: after CLOSED."""
    late = event(EventKind.ESTABLISHED, WIFI)
    told(ledger, event(EventKind.CREATED, WIFI), event(EventKind.CLOSED, None))

    assert told(ledger, late) == [("ESTABLISHED", WIFI, False)]
    assert inferred(ledger.end(TOKEN, 2.0)) == []


def test_another_connection_with_the_same_token(ledger: Ledger) -> None:
    told(ledger, event(EventKind.CREATED, WIFI), event(EventKind.CLOSED, None))
    told(ledger, event(EventKind.CREATED, WIFI))

    assert inferred(ledger.end(TOKEN, 2.0)) == [("SUB_CLOSED", WIFI), ("CLOSED", None)]


def test_nothing_is_kept_of_what_is_forgotten(ledger: Ledger) -> None:
    told(ledger, event(EventKind.SUB_ESTABLISHED), event(EventKind.SUB_ESTABLISHED, token=OTHER))
    told(ledger, event(EventKind.CLOSED, None))
    assert sorted(ledger.tokens) == [TOKEN, OTHER]

    ledger.forget(TOKEN)

    assert ledger.tokens == [OTHER]


def test_a_look_at_the_state_after_the_end_tells_nothing(ledger: Ledger) -> None:
    told(ledger, event(EventKind.CLOSED, None))

    assert list(ledger.catch_up(TOKEN, [entry(1, WIFI)], 2.0)) == []


def test_an_event_without_a_connection_passes(ledger: Ledger) -> None:
    listening = Event(EventKind.LISTENER_CREATED, 1.0, local=SERVER)

    assert list(ledger.complete(listening)) == [listening]
