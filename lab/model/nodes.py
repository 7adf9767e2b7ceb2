"""The nodes that are no hosts, as a topology file writes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lab.model import fields, node_fields
from lab.model.keys import Keys


class Rule(Keys):
    """What a firewall does to forwarded packets that fit all that is written."""

    action: node_fields.Action = Field(
        description="drop says nothing to the sender, reset answers with a TCP RST (of TCP only), "
        "unreachable with an ICMP error."
    )
    packets: node_fields.Selection = Field(
        default=None,
        description="new: of no connection that the router has seen; syn: the first of a TCP "
        "connection or subflow. All packets unless written.",
    )
    come_by: node_fields.Interface = Field(
        default=None, alias="from", description="They come by this interface of the router."
    )
    leave_by: node_fields.Interface = Field(
        default=None, alias="to", description="They leave by this interface of the router."
    )
    ports: node_fields.SomePorts = Field(
        default=(), alias="port", description="TCP ports that they are sent to."
    )
    option: node_fields.OptionKind = Field(
        default=None, description="They have a TCP option of this kind; MPTCP is 30."
    )
    subtype: node_fields.Subtype = Field(
        default=None, alias="mptcp", description="They have this MPTCP option."
    )


class Router(Keys):
    """A node that forwards IPv4 and IPv6 between its links."""

    nat: node_fields.Interfaces = Field(
        default=(),
        description="Interfaces by which IPv4 leaves with the address of the interface as source.",
    )
    firewall: Annotated[tuple[Rule, ...], node_fields.Rules] = Field(
        default=(), description="Rules in their order; the first that fits decides, or all pass."
    )
    idle_timeout: node_fields.Idle = Field(
        default=None,
        description="How long NAT and firewall know a TCP connection on which nothing passes; "
        "five days unless written.",
    )


class Switch(Keys):
    """A node whose links are one network."""

    kind: node_fields.SwitchKind = Field(
        default="bridge",
        description="What forwards: a Linux bridge unless written, or an Open vSwitch.",
    )
    subnets: fields.Subnets = Field(
        default=(),
        alias="subnet",
        description="One subnet or several, of all its links; switches that are joined have one.",
    )
