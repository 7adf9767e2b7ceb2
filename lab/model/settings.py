"""The MPTCP and TCP settings of a host, as a topology file writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from lab.model import fields, names
from lab.model.keys import Keys


class Endpoint(Keys):
    """Addresses of the host by which the kernel's path manager opens or announces subflows."""

    interface: fields.InterfaceName = Field(
        default=None, description="Every address of this interface; or write address."
    )
    address: fields.OneAddress = Field(
        default=None, description="One address of the host; or write interface."
    )
    flags: fields.Flags = Field(
        description="What it is for: signal announces it, subflow opens subflows from it, fullmesh "
        "to every address of the peer, laminar to announced ones; backup gives them low priority."
    )
    port: fields.Port = Field(
        default=None, description="The port that is announced with the address (signal only)."
    )
    id: fields.AddressId = Field(
        default=None, description="Its address id; the kernel chooses unless written."
    )


class Limits(Keys):
    """What the kernel's path manager does not exceed, per connection."""

    subflows: fields.Limit = Field(
        default=None, description="Subflows besides the initial one, opened or accepted."
    )
    add_addr_accepted: fields.Limit = Field(
        default=None, description="Announced addresses to which it opens subflows."
    )


class Settings(Keys):
    """How the kernel of a host is set; what is not written stays as the kernel has it."""

    path_manager: fields.PathManager = Field(
        default=None, description="Who manages its subflows; the kernel's default unless written."
    )
    endpoints: Annotated[tuple[Endpoint, ...], fields.Listed] = Field(
        default=(), description="Endpoints of the kernel's path manager."
    )
    limits: Limits = Field(default=Limits(), description="Limits of the kernel's path manager.")
    scheduler: fields.Algorithm = Field(
        default=None, description="Which subflow data is sent on (net.mptcp.scheduler)."
    )
    checksum: fields.Switch = Field(
        default=None, description="Whether it asks for DSS checksums (net.mptcp.checksum_enabled)."
    )
    allow_join_initial_addr_port: fields.Switch = Field(
        default=None,
        description="Whether peers may join to the address and port of the connection's beginning.",
    )
    congestion_control: fields.Algorithm = Field(
        default=None, description="Of every subflow (net.ipv4.tcp_congestion_control)."
    )
    sysctls: Mapping[str, fields.SysctlValue] = Field(
        default={},
        description="Further sysctls of its network namespace, by their names with dots.",
        json_schema_extra={"propertyNames": {"pattern": f"^{names.SYSCTL}$"}},
    )


SYSCTLS: Mapping[str, str] = {
    "net.mptcp.path_manager": "path_manager",
    "net.mptcp.pm_type": "path_manager",
    "net.mptcp.scheduler": "scheduler",
    "net.mptcp.checksum_enabled": "checksum",
    "net.mptcp.allow_join_initial_addr_port": "allow_join_initial_addr_port",
    "net.ipv4.tcp_congestion_control": "congestion_control",
}
"""Sysctls that have a key of their own, Documentation/networking/mptcp-sysctl.rst."""
