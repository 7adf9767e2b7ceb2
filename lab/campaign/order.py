"""What a worker is told to do, and what it answers."""

from __future__ import annotations

from typing import Any, NamedTuple

from lab.campaign.parcel import Parcel
from lab.campaign.points import Point
from lab.run import Verdict


class Order(NamedTuple):
    """One attempt."""

    campaign: str
    """a word that no other campaign has, not even one of the same name"""
    name: str
    """the campaign's"""
    point: Point
    attempt: int
    """1 for the first attempt of the point"""
    seed: int
    deadline: float
    """seconds, after which it is killed"""
    alone: bool
    """whether nothing else may run on the machine meanwhile"""
    project: dict[str, Any]
    """what :func:`lab.campaign.identity.identity` says of the campaign's project"""


class Answer(NamedTuple):
    """What came of it."""

    verdict: Verdict
    reason: str
    seconds: float
    host: str
    """the worker's machine"""
    parcel: Parcel | None = None
    """the run, if it left one"""
    refused: str = ""
    """why the worker did not do it, if so"""
