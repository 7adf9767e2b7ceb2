"""What Linux 6.18 does wrong behind middleboxes, while each box does what it is declared to do.

docs/middleboxes.md tells what happens. These fail as soon as a kernel does better.
"""

import json

import pytest

from lab.errors import ScenarioFailed

STRIP = {"option": 30}
SPLIT = {"split": {"at": "500 B"}}
COALESCE = {"coalesce": {"up_to": "1400 B", "wait": "5 ms"}}
ALTER = {"option": 30, "subtype": "DSS", "after": "20 packets"}

CASES = {
    "stripped-after-20-packets": {"there": [{"strip": {**STRIP, "after": "20 packets"}}]},
    "altered-after-20-packets": {"there": [{"alter": ALTER}]},
    "mappings-lost-by-coalescing": {"there": [SPLIT, COALESCE]},
    "acknowledgments-stripped-after-20-packets": {
        "back": [{"strip": {**STRIP, "after": "20 packets"}}]
    },
}
FROM_SERVER = {
    # The client's third ACK has its option still, and nothing that it hears from the server.
    "stripped-from-all-but-syns": {"back": [{"strip": {**STRIP, "from": "not-syn"}}]},
    "altered-key-of-the-server": {"back": [{"alter": {**STRIP, "from": "syn"}}]},
}


@pytest.fixture
def topology_file(directions, tmp_path):
    """Client and server, with the case's boxes between them."""
    boxed = {way: {"middlebox": boxes} for way, boxes in directions.items()}
    link = {"ends": ["client:wifi", "server:wifi"], "subnet": "10.0.1.0/24", **boxed}
    whole = {"topology": "1", "name": "boxed", "hosts": {"client": {}, "server": {}}}
    path = tmp_path / "boxed.yaml"
    path.write_text(json.dumps(whole | {"links": {"wifi": link}}), "utf-8")
    return path


@pytest.mark.xfail(raises=ScenarioFailed, reason="Linux 6.18: docs/middleboxes.md, Defects")
@pytest.mark.parametrize("directions", CASES.values(), ids=CASES)
def test_data_arrives_unaltered(flow):
    """Or one of the calls tells of an error, which would be another exception."""
    flow.transfer.wait_delivered("1 MB", timeout=5)


@pytest.mark.xfail(raises=ScenarioFailed, reason="Linux 6.18: docs/middleboxes.md, Defects")
@pytest.mark.flow(sender="server")
@pytest.mark.parametrize("directions", FROM_SERVER.values(), ids=FROM_SERVER)
def test_data_from_the_server_arrives_unaltered(flow):
    """As above."""
    flow.transfer.wait_delivered("1 MB", timeout=5)
