"""A topology as a running network."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

from mininet.net import Mininet

from lab import sandbox
from lab.cable import explained_by
from lab.errors import InvalidRun, NotInstalled, SandboxForbidden, UsageError
from lab.host import LabNode
from lab.link import LabLink, wait_for
from lab.model import Topology
from lab.names import resolvable
from lab.topo import YamlTopo

TOOLS = {"mnexec": "mininet", "ifconfig": "net-tools"}
"""Programs that Mininet's nodes need, and the Debian packages that bring them."""

AT_LEAST, MANY_DESCRIPTORS = 100, 20_000
"""Open files of a process without any network, and what is plenty."""

OTHER_DESCRIPTORS, DESCRIPTORS = 1000, 8
"""Open files besides those of the network, and of each node and link: its namespace, the terminal
of its shell, the pipes of its capture or of what emulates it."""


class Network(Mininet):  # type: ignore[misc]
    """A Mininet network made from a topology; a context manager that takes it down.

    ``network["client"]`` is a :class:`~lab.host.LabNode`. While the network is up, its host names
    and aliases resolve in every process of the sandbox.

    :raises UsageError: not inside a sandbox, where alone networks are made.
    :raises NotInstalled: a tool is missing.
    :raises Unsupported: a link asks for what cannot be emulated.

    ``backend`` names what emulates impairments (:mod:`lab.backend`); None takes what works here.
    ``seed`` begins what it draws, as far as it takes one. ``stack`` is the kind of stack of
    ``mptcpapi.stacks`` that hosts and routers are; the lab's own if None.
    """

    def __init__(
        self,
        topology: Topology,
        *,
        backend: str | None = None,
        seed: int = 0,
        stack: str | None = None,
    ) -> None:
        if not sandbox.inside():
            raise UsageError(
                "a network is made in a sandbox only: use pytest, or mptcp-lab exec -- COMMAND"
            )
        _require_tools()
        _allow_descriptors(topology)
        self.topology = topology
        self._undo = ExitStack()
        # Mininet would insist on uid 0 and raise the machine's limits; a sandbox needs neither.
        Mininet.inited = True
        topo = YamlTopo(topology, backend=backend, seed=seed, stack=stack)
        self.backend = topo.backend
        """Name of what emulates impairments; None if no link has any."""
        super().__init__(topo=topo, controller=None, build=False)

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self.stop)
            with explained_by(self.trouble):
                self.build()
                wait_for(self.links)
            undo.enter_context(resolvable(self.topology))
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._undo.close()

    def addLink(self, *ends: str, **how: Any) -> LabLink:
        """Make a link; while the network is built, all of them are waited for together."""
        link: LabLink = super().addLink(*ends, **{"wait": self.built, **how})
        return link

    def node(self, name: str) -> LabNode:
        """The host or router of that name.

        :raises UsageError: there is none.
        """
        node: LabNode = self[name]
        return node

    def getNodeByName(self, *names: str) -> Any:
        """As Mininet's: the node of that name, or the list of several.

        :raises UsageError: there is none.
        """
        for name in names:
            if name not in self:
                known = ", ".join(self)
                raise UsageError(f"topology '{self.topology.name}' has no node '{name}' ({known})")
        return super().getNodeByName(*names)

    __getitem__ = getNodeByName

    def set_link(self, name: str, up: bool) -> None:
        """Set both ends of a link up or down; up again, it has the routes that it lost.

        :raises UsageError: there is no such link.
        """
        for end in self.topology.link(name).ends:
            self[end.node].intf(end.interface).set_state("up" if up else "down")

    def wire(self, name: str) -> LabLink:
        """The link of that name, which can be reshaped and blocked.

        :raises UsageError: there is none.
        """
        end = self.topology.link(name).ends[0]
        link: LabLink = self[end.node].intf(end.interface).link
        return link

    @contextmanager
    def sound(self) -> Iterator[None]:
        """Let nothing of the body count, unless every link does still what it declares.

        :raises InvalidRun: one, or a switch, does not, whether the body came to its end or not.
        """
        try:
            yield
        finally:
            self.require_sound()

    def require_sound(self) -> None:
        """See that every link does still what it declares, and every switch forwards.

        :raises InvalidRun: one does not; the text says why.
        """
        reason = self.trouble()
        if reason:
            raise InvalidRun(reason)

    def trouble(self) -> str | None:
        """Why links or switches do not do any more what they declare; None while all is well."""
        parts = (*self.links, *self.switches)
        return "\n".join(filter(None, (part.trouble() for part in parts))) or None

    @property
    def nodes(self) -> list[LabNode]:
        """Every host and router; ``switches`` has the others."""
        return list(self.hosts)


def _allow_descriptors(topology: Topology) -> None:
    """Let this process open as many files as the network needs, if the hard limit allows it.

    No more: mnexec(1) closes each number that could be one, before it starts a shell.

    :raises SandboxForbidden: it does not allow what every such network needs.
    """
    parts = len(topology.nodes) + len(topology.switches) + len(topology.links)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < AT_LEAST + parts:
        raise SandboxForbidden(
            f"a network of {parts} nodes and links needs {AT_LEAST + parts} open files, and a "
            f"process may have {hard} here (ulimit -Hn): as root run: ulimit -n {MANY_DESCRIPTORS}"
        )
    wanted = OTHER_DESCRIPTORS + DESCRIPTORS * parts
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def _require_tools() -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        packages = " ".join(TOOLS[tool] for tool in missing)
        raise NotInstalled(
            f"{', '.join(missing)} not found in PATH: make setup installs what is missing "
            f"(on Debian: apt-get install {packages})"
        )
