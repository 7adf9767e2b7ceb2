"""The doctor names why a subflow cannot appear, and what it says to type makes it appear."""

import json
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from topology_files import TWO_WAYS

import mptcpapi
from lab import doctor
from lab.build import Network
from lab.capture import Captures
from lab.load import loads

JOINING = "{path_manager: kernel, endpoints: [{interface: lte, flags: subflow}]}"
ACCEPTING = "{limits: {add_addr_accepted: 1}}"
ANNOUNCING = "{endpoints: [{interface: other, flags: signal}]}"
PORT = 5001
LTE, CORE, OTHER = "10.0.2.1", "10.0.9.2", "10.0.8.2"
NFT = "nft add table inet fw; nft add chain inet fw way '{{ type filter hook {} priority 0; {} }}'"


class Planted(NamedTuple):
    """A cause that is put into a network."""

    cause: str
    host: str
    plant: str
    """Commands for the shell of the host."""
    client: str = JOINING
    server: str = "{}"
    listening: str = ""
    """The address at which the server listens; empty: all."""
    joined: tuple[str, str] = (LTE, CORE)
    """Between which addresses a subflow appears, once the cause is away."""
    prevents: bool = True
    """Whether no subflow is established before; else it is on another path, or carries little."""
    connects: bool = True
    """Whether there is a connection before."""


CAUSES = {
    "switched off": Planted("mptcp", "client", "sysctl -w net.mptcp.enabled=0", connects=False),
    "userspace at the client": Planted("path_manager", "client", "sysctl -w net.mptcp.pm_type=1"),
    "userspace at the server": Planted(
        "path_manager", "server", "sysctl -w net.mptcp.pm_type=1",
        prevents=False,  # whoever follows events in another network of this machine lets it in
    ),
    "no subflows at the client": Planted("limits", "client", "ip mptcp limits set subflows 0"),
    "no subflows at the server": Planted("limits", "server", "ip mptcp limits set subflows 0"),
    "nothing accepted": Planted(
        "limits", "client", "", client="{}", server=ANNOUNCING, joined=("10.0.1.1", OTHER)
    ),
    "signal at the client": Planted(
        "flags", "client", "", client="{endpoints: [{interface: lte, flags: signal}]}"
    ),
    "no endpoint": Planted("endpoint", "client", "", client="{}"),
    "a foreign endpoint": Planted(
        "endpoint", "client", "ip mptcp endpoint flush; ip mptcp endpoint add 10.0.2.77 subflow"
    ),
    "joins denied": Planted("deny_join", "server", "",
                            server="{allow_join_initial_addr_port: false}"),
    "no rule": Planted("route", "client", f"ip rule del from {LTE}", prevents=False),
    "no table": Planted("route", "client", "ip route flush table 1001", prevents=False),
    "no way back": Planted("route", "server", f"ip route add unreachable {LTE} table 1000"),
    "asymmetric": Planted(
        "rp_filter", "gw",
        f"ip route add {LTE} via 10.0.1.1; sysctl -w net.ipv4.conf.lte.rp_filter=1",
    ),
    "a small MTU": Planted("mtu", "client", "", prevents=False),
    "a tiny MTU": Planted(
        "mtu", "client", "ip link set dev lte mtu 75",
        client="{endpoints: [{address: 10.0.2.1, flags: subflow}]}",  # no IPv6 below 1280
    ),
    "a black hole": Planted(
        "mtu", "gw",
        "ip link set dev core mtu 1400; "
        + NFT.format("output", "") + "; nft add rule inet fw way meta l4proto icmp drop",
        prevents=False,
    ),
    "no forwarding": Planted("forwarding", "gw", "sysctl -w net.ipv4.ip_forward=0",
                             connects=False),
    "interface down": Planted("interface", "client", "ip link set dev lte down"),
    "joins dropped": Planted(
        "firewall", "gw",
        NFT.format("forward", "") + "; nft add rule inet fw way tcp option mptcp subtype 1 drop",
    ),
    "options stripped": Planted(
        "firewall", "gw",
        NFT.format("forward", "") + "; nft add rule inet fw way iifname lte reset tcp option mptcp",
    ),
    "policy drop": Planted(
        "firewall", "server",
        NFT.format("input", "policy drop;")
        + "; nft add rule inet fw way ip saddr 10.0.1.0/24 accept"
        + "; nft add rule inet fw way meta l4proto ipv6-icmp accept",
    ),
    "listening at one address": Planted(
        "listener", "server", "", client=ACCEPTING, server=ANNOUNCING, listening=CORE,
        joined=("10.0.1.1", OTHER),
    ),
}  # fmt: skip


OTHER_ENDS = {
    "a small MTU": [("gw", "lte", "1400")],
    "a tiny MTU": [("gw", "lte", "75")],
    "a black hole": [("server", "core", "1400")],
}
"""MTUs at other hosts than the one of the cause."""


ROUNDS = {
    "interface down": 2,  # it has lost its routes, of which the doctor knows only then
    "a tiny MTU": 2,  # each end of the link in its turn
}
"""How often the doctor is asked, where one answer does not suffice."""


@pytest.fixture
def net(tmp_path):
    """Build the network of a cause, plant it, and let the server listen."""
    with ExitStack() as undo:

        def build(planted):
            text = TWO_WAYS.format(name="planted", client=planted.client, server=planted.server)
            topology = loads(text, "planted.yaml")
            network = undo.enter_context(Network(topology))
            hosts = [network.node(name) for name in topology.hosts]
            captures = undo.enter_context(Captures(hosts, tmp_path))
            listener = undo.enter_context(msocket(network, "server"))
            listener.bind((planted.listening, PORT))
            listener.listen()
            if planted.plant:
                network.node(planted.host).run("sh", "-ec", planted.plant)
            return network, captures, listener

        yield build


def msocket(network, host):
    """A plain MPTCP socket: nobody follows events for it."""
    sock = network.node(host).msocket(socket.AF_INET, socket.SOCK_STREAM, mptcpapi.IPPROTO_MPTCP)
    sock.settimeout(10)
    return sock


def connect(undo, network, listener):
    """A connection on which data went both ways."""
    sock = undo.enter_context(msocket(network, "client"))
    sock.connect((CORE, PORT))
    accepted = undo.enter_context(listener.accept()[0])
    accepted.settimeout(10)
    for sender, receiver in ((sock, accepted), (accepted, sock)):
        sender.sendall(b"data")
        assert receiver.recv(4) == b"data"


def joins(seen):
    """The pairs of hosts between which subflows were joined, as the client saw it.

    A host that refuses one does so after the third packet: only the fourth proves it accepted.
    """
    fourth = {(s.destination, s.source, s.ack) for s in seen.arrived() if not s.rst and not s.syn}
    return {
        (join.initiator.host, join.responder.host)
        for join in seen.joins()
        if join.ack and (join.initiator, join.responder, join.ack.seq) in fourth
    }


def stopping(found):
    """The causes and where they are, without remarks."""
    return {(each.cause, each.host) for each in found if each.stops}


def treat(network, found):
    """Type what the doctor says."""
    for each in found:
        for command in each.commands if each.stops else ():
            network.node(each.host).run(*command)


@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_is_named_and_its_remedy_helps(net, name):
    """One cause is planted and found; its commands let a subflow appear."""
    planted = CAUSES[name]
    with ExitStack() as undo:
        network, captures, listener = net(planted)
        for host, interface, mtu in OTHER_ENDS.get(name, ()):
            network.node(host).run("ip", "link", "set", "dev", interface, "mtu", mtu)
        if planted.connects:
            connect(undo, network, listener)

        rounds = [doctor.examine(network, "client", "server", PORT)]
        treated = time.time()
        while stopping(rounds[-1]) and len(rounds) <= ROUNDS.get(name, 1):
            treat(network, rounds[-1])
            rounds.append(doctor.examine(network, "client", "server", PORT))
        connect(undo, network, listener)
        seen = captures.until("client", lambda seen: joins(seen.after(treated)))

    assert stopping(rounds[0]) == {(planted.cause, planted.host)}
    assert stopping(rounds[-1]) == set()
    assert planted.joined in joins(seen)
    assert not planted.prevents or not joins(seen.before(treated))


@pytest.mark.parametrize(
    ("client", "server"), [(JOINING, "{}"), (ACCEPTING, ANNOUNCING), (JOINING, ANNOUNCING)]
)
def test_nothing_is_found_in_a_sound_network(net, client, server):
    """Where subflows appear, the doctor finds nothing that stops them."""
    with ExitStack() as undo:
        network, captures, listener = net(Planted("", "", "", client, server))

        found = doctor.examine(network, "client", "server", PORT)
        connect(undo, network, listener)

        captures.until("client", joins)
    assert stopping(found) == set()


DIRECT = """
topology: 1
name: direct
hosts: {client: {}, server: {}}
links:
  one: {ends: [client:one, server:one], subnet: 10.0.9.0/24}
  two: {ends: [client:two, server:two], subnet: 10.0.2.0/24}
"""


def test_links_without_routers(tmp_path):
    """What each end says in its turn, endpoint, announcement and limit, makes the second path."""
    topology = loads(DIRECT, "direct.yaml")
    with Network(topology) as network, ExitStack() as undo:
        hosts = [network.node(name) for name in topology.hosts]
        captures = undo.enter_context(Captures(hosts, tmp_path))
        listener = undo.enter_context(msocket(network, "server"))
        listener.bind(("", PORT))
        listener.listen()
        said = []
        while stopping(found := doctor.examine(network, "client", "server", PORT)):
            said.append(stopping(found))
            assert len(said) < 4, found
            treat(network, found)
        connect(undo, network, listener)
        seen = captures.until("client", joins)

    assert said == [
        {("endpoint", "client"), ("endpoint", "server")}, {("limits", "client")}
    ]  # fmt: skip
    assert joins(seen) == {("10.0.2.1", "10.0.2.2")}


def test_what_spoils_measurements(net):
    """Joined segments and remembered paths are remarks; what they advise ends them."""
    client = "{sysctls: {net.ipv4.tcp_no_metrics_save: 0}}"
    plant = "ip link set dev lte gso_max_segs 64"
    network, *_ = net(Planted("", "client", plant, client=client))

    def remarks():
        found = doctor.examine(network, "client", "server", PORT)
        return [each for each in found if each.cause in {"gso", "metrics"}]

    assert [(each.cause, each.host, each.stops) for each in remarks()] == [
        ("gso", "client", False), ("metrics", "client", False),
    ]  # fmt: skip
    for each in remarks():
        for command in each.commands:
            network.node(each.host).run(*command)
    assert remarks() == []


def test_a_network_that_cannot_be_built(request, tmp_path):
    """The reason is a finding, beside what follows from the file alone."""
    file = tmp_path / "direct.yaml"
    file.write_text(DIRECT.replace("server: {}", "server: {scheduler: nosuch}"), encoding="utf-8")

    done = run(request, str(file), "--from", "client", "--json")

    assert done.returncode == 1, done.stderr
    (examined,) = json.loads(done.stdout)
    causes = {each["cause"]: each for each in examined["findings"]}
    assert set(causes) == {"unsupported", "endpoint"}
    assert (
        "server: the kernel refuses net.mptcp.scheduler='nosuch'" in causes["unsupported"]["what"]
    )
    assert causes["endpoint"]["commands"] == [
        "client ip mptcp endpoint add 10.0.2.1 dev two subflow"
    ]


def test_rules_of_unknown_conditions_are_remarks(net):
    """Of a rule that may or may not drop the SYN, the doctor says so; it stops nothing for sure."""
    planted = Planted(
        "firewall", "gw",
        NFT.format("forward", "") + "; nft add rule inet fw way meta mark 7 drop",
    )  # fmt: skip
    network, *_ = net(planted)

    found = doctor.examine(network, "client", "server", PORT)

    assert stopping(found) == set()
    (remark,) = (each for each in found if each.cause == "firewall")
    assert "it may be that rule" in remark.what


def run(request, *arguments):
    """What ``mptcp-lab doctor`` says of a topology, in this sandbox."""
    return subprocess.run(
        [sys.executable, "-m", "lab.start", "doctor", *arguments],
        cwd=request.config.rootpath, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_topology_with_a_firewall(request):
    """Of a file, the network is built; a rule that drops joins is named with its command."""
    done = run(request, "firewall", "--to", "server")

    assert done.returncode == 1, done.stderr
    assert "drops the SYN with MP_JOIN from 10.0.2.1 to 10.0.9.2" in done.stdout
    assert "gw nft delete rule inet firewall forward handle 4\n" in done.stdout
    assert "mptcp-lab up topologies/firewall.yaml --cli" in done.stdout


@pytest.mark.parametrize("name", ["two_paths", "behind_nat", "multipath_tcp_org"])
def test_sound_topologies(request, name):
    """Nothing is found behind NAT, switches and several routers; what the file asks for is so."""
    done = run(request, name, "--from", "client", "--to", "server", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    (examined,) = json.loads(done.stdout)
    assert examined["examined"] == "client to server"
    assert "path_manager" in {each["cause"] for each in examined["findings"]}


def test_one_path_is_one_path(request):
    """A host with one address gets no second path, and no command makes one."""
    done = run(request, "veth", "--from", "server", "--json")

    assert done.returncode == 1
    (examined,) = json.loads(done.stdout)
    (found,) = (each for each in examined["findings"] if each["stops"])
    assert (found["cause"], found["commands"]) == ("one_path", [])


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, "name a topology, or write --here"),
        (("two_paths", "--here"), 2, "name a topology, or write --here"),
        (("two_paths", "--to", "sever"), 1, "has no host 'sever' (known: client, server)"),
        (("--here", "--to", "server"), 1, "'server' is not an address such as 192.0.2.1"),
    ],
)
def test_what_cannot_be_examined(request, arguments, status, said):
    """A wrong command line is told in a sentence."""
    done = run(request, *arguments)

    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr


def here(network, *options):
    """What ``mptcp-lab doctor --here`` says at the client."""
    done = network.node("client").popen(
        [sys.executable, "-m", "lab.start", "doctor", "--here", "--json", *options],
        cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    (examined,) = json.loads(done.communicate()[0])
    return done.returncode, examined["findings"]


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        ("limits", "ip mptcp limits set subflows 0"),
        ("endpoint", "ip mptcp endpoint flush"),
        ("mptcp", "sysctl -w net.mptcp.enabled=0"),
        ("path_manager", "sysctl -w net.mptcp.pm_type=1"),
        ("route", f"ip rule del from {LTE}"),
        ("rp_filter route", f"ip route add {CORE} via 10.0.1.2 table 1001; "
                      "sysctl -w net.ipv4.conf.lte.rp_filter=1"),
        ("firewall", NFT.format("output", "")
                     + "; nft add rule inet fw way tcp option mptcp subtype 1 drop"),
    ],
)  # fmt: skip
def test_this_machine(net, name, plant):
    """On a machine of its own, the doctor sees one side; what it says is for that machine's shell.

    Nothing is sent.
    """
    network, captures, listener = net(Planted(name, "client", plant))
    before = len(captures.at("client"))

    status, found = here(network, "--to", CORE)

    assert len(captures.at("client")) == before
    assert status == 1
    stops = [each for each in found if each["stops"]]
    assert {each["cause"] for each in stops} == set(name.split())
    for line in (line for each in stops for line in each["commands"]):
        network.node("client").run("sh", "-ec", line)
    assert here(network, "--to", CORE)[0] == 0
    with ExitStack() as undo:
        connect(undo, network, listener)
        assert joins(captures.until("client", joins)) == {(LTE, CORE)}


@pytest.mark.parametrize(
    ("plant", "cause", "says"),
    [
        ("ip -4 address flush dev wifi; ip -4 address flush dev lte; "
         "sysctl -w net.ipv6.conf.all.disable_ipv6=1; ip mptcp endpoint flush",
         "one_path", "it has no address"),
        ("sysctl -w net.ipv6.conf.all.disable_ipv6=1", "route",
         "it has no IPv6 address, so that nothing leaves for 2001:db8::9"),
    ],
    ids=["none", "no IPv6"],
)  # fmt: skip
def test_a_machine_without_the_addresses_that_it_needs(net, plant, cause, says):
    """That stops every connection, and so every subflow."""
    network, _, _ = net(Planted(cause, "client", plant))

    status, found = here(network, "--to", "2001:db8::9")

    assert status == 1
    assert (cause, says) in {(each["cause"], each["what"]) for each in found}
