"""Data of small topologies, as it is read from a file, for the tests of the model."""

from __future__ import annotations

from typing import Any

from lab.model import KeyPath, Topology, problems

Data = dict[str, Any]


def pair(**link: object) -> Data:
    """A client and a server with one link; a key whose value is None is left out."""
    keys = {"ends": ["client:wifi", "server:wifi"], "subnet": "10.0.1.0/24", **link}
    written = {key: value for key, value in keys.items() if value is not None}
    return {
        "topology": "1",
        "name": "pair",
        "hosts": {"client": {}, "server": {}},
        "links": {"wifi": written},
    }


def two_links(**lte: object) -> Data:
    """The pair with a second link."""
    data = pair()
    data["links"]["lte"] = {
        "ends": ["client:lte", "server:lte"],
        "subnet": "10.0.2.0/24",
        **lte,
    }
    return data


def topology(data: Data) -> Topology:
    """The topology of data that must have no mistake."""
    assert list(problems(data)) == []
    return Topology.model_validate(data)


def wrong(data: object) -> dict[KeyPath, str]:
    """The problems by place; a place must not have two."""
    found = set(problems(data))
    assert len({problem.path for problem in found}) == len(found)
    return {problem.path: problem.message for problem in found}


WIFI = ("links", "wifi")
LTE = ("links", "lte")
