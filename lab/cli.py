"""``mptcp-lab``: the lab from the shell.

Each command imports what it needs: Mininet, Scapy and pydantic take a second, ``--help`` does not.
"""

from __future__ import annotations

import json
import shlex
import signal
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab import column_commands, result_commands, sandbox
from lab.campaign_command import campaign
from lab.comparison.command import compare
from lab.errors import LabError, SandboxForbidden
from lab.page_command import report
from lab.places import require_visible
from lab.rerun.command import rerun

if TYPE_CHECKING:
    from rich.table import Table

    from lab.build import Network

_PATH = click.Path(path_type=Path)

_backend = click.option(
    "--backend", type=click.Choice(["netem", "wirefilter"]),
    help="What emulates delay, loss and the like (else what works here).",
)  # fmt: skip

_EPILOG = """\b
Examples:
  mptcp-lab check topologies/*.yaml
  mptcp-lab up two_paths --cli
  mptcp-lab exec -- ip link
\b
Completion, for bash (zsh, fish: zsh_source, fish_source):
  eval "$(_MPTCP_LAB_COMPLETE=bash_source mptcp-lab)"
"""


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mptcpapi")
def commands() -> None:
    """Networks of multi-homed hosts from YAML, and Multipath TCP in them."""


@commands.command(epilog="Examples: mptcp-lab check two_paths; mptcp-lab check topologies/*.yaml")
@click.argument("files", nargs=-1, required=True)
def check(files: tuple[str, ...]) -> None:
    """Look for mistakes in topology files (names or paths), without building anything."""
    from lab.load import find, load

    mistaken = 0
    for name in files:
        try:
            file = find(name, Path())
            topology = load(file)
        except LabError as mistakes:
            mistaken += 1
            click.echo(str(mistakes), err=True)
        else:
            nodes = len(topology.nodes) + len(topology.switches)
            links = len(topology.links)
            counted = f"{nodes} nodes, {links} {'link' if links == 1 else 'links'}"
            click.echo(f"{file}: {topology.name}: {counted}, no mistakes")
    sys.exit(1 if mistaken else 0)


@commands.command("schema", epilog="Example: mptcp-lab schema > topologies/schema.json")
@click.argument("kind", type=click.Choice(["topology", "campaign"]), default="topology")
def print_schema(kind: str) -> None:
    """Print the JSON Schema of topology files, or of plans of campaigns, for editors."""
    from lab.campaign.plan import Plan
    from lab.load import schema

    click.echo(json.dumps(schema(Plan) if kind == "campaign" else schema(), indent=2))


@commands.command(epilog="Example: mptcp-lab up two_paths --cli")
@click.argument("topology")
@click.option("--cli", "prompt", is_flag=True, help="Give Mininet's own prompt.")
@_backend
def up(topology: str, prompt: bool, backend: str | None) -> None:
    """Build a network (a name, or the path of a file); keep it up until Ctrl-C."""
    from mininet.cli import CLI
    from rich.console import Console

    from lab.build import Network
    from lab.load import find, load

    file = find(topology, Path())
    declared = load(file)
    _enter_sandbox(file)
    with Network(declared, backend=backend) as network:
        Console().print(_addresses(network))
        click.echo("A shell at a node, from another terminal:")
        for node in (*network.nodes, *network.switches):
            click.echo(f"  {shlex.join([*sandbox.entrance(), *node.entrance()])}   # {node.name}")
        if prompt:
            CLI.readlineInited = True  # or it would keep its history in the user's home
            CLI(network)
        else:
            click.echo("The network is up. Ctrl-C takes it down.")
            _wait_for_interrupt()


def _addresses(network: Network) -> Table:
    from rich.table import Table

    from lab.report import add_row

    table = Table("node", "interface", "addresses", title=network.topology.name)
    for node in (*network.nodes, *network.switches):
        for interface, addresses in node.addresses.items():
            add_row(
                table, node.name, interface, ", ".join(map(str, addresses)) or "port of a switch"
            )
    return table


def _wait_for_interrupt() -> None:
    with suppress(KeyboardInterrupt):
        signal.pause()


@commands.command(
    "exec", context_settings={"ignore_unknown_options": True},
    epilog="Example: mptcp-lab exec -- mn --custom lab/topo.py "
    "--topo yaml,topologies/two_paths.yaml --controller none",
)  # fmt: skip
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(command: tuple[str, ...]) -> None:
    """Run a command in a new, empty network, as root inside; its processes end with it.

    What is in /tmp can be used and written, but not removed (Mininet's mn would, after an error);
    what the command makes directly in /tmp is gone afterwards.
    """
    sys.exit(sandbox.run(command, private_tmp=True))


@commands.command(epilog="Example: mptcp-lab demo --results /tmp/results")
@click.option("--results", type=_PATH, default=Path("results"), show_default=True,
              help="Where the run's directory is made.")  # fmt: skip
@click.option("--topology", default="two_paths", show_default=True,
              help="A topology with the hosts client and server: a name, or a path.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the steps as JSON.")
@_backend
def demo(results: Path, topology: str, as_json: bool, backend: str | None) -> None:
    """Open, prioritise and close a subflow during a transfer, and show three witnesses of each."""
    from rich.console import Console
    from rich.table import Table

    from lab import demo as demonstration
    from lab.load import find, load
    from lab.report import add_row, how_to_look

    file = find(topology, Path())
    declared = load(file)
    _enter_sandbox(file, results)
    steps, directory = demonstration.run(declared, file, results, backend)
    if as_json:
        rows = [step._asdict() for step in steps]
        click.echo(json.dumps({"run": str(directory), "steps": rows}, indent=2))
        return
    table = Table("done", "the API said", "the kernel said", "the wire carried", show_lines=True)
    for step in steps:
        add_row(table, *step)
    Console().print(table)
    click.echo(f"The run is kept. Look at it: {how_to_look(directory)}")


@commands.command(epilog="Example: mptcp-lab measure two_paths --quick")
@click.argument("topology")
@click.option("--backend", help="What emulates delay, loss and the like (default: what works).")
@click.option("--quick", is_flag=True, help="As before scenarios: a second or two, all at once.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def measure(topology: str, backend: str | None, quick: bool, as_json: bool) -> None:
    """Measure each link of a topology (a name, or a path) against its file, in both directions.

    The status is 0 if all is as declared, within the tolerance that is shown; else 1.
    """
    from lab.fidelity import budget, table
    from lab.fidelity.verdict import Known
    from lab.load import find, load

    file = find(topology, Path())
    declared = load(file)
    _enter_sandbox(file)
    verdict = Known(backend).of(declared, budget.SCENARIO if quick else budget.THOROUGH)
    if as_json:
        click.echo(json.dumps(verdict.as_dict(), indent=2))
    else:
        click.echo("\n".join(table.lines(verdict)))
        click.echo(f"\nThe machine meanwhile: {verdict.load or 'nothing to measure'}.")
    sys.exit(1 if [*verdict.misses()] else 0)


@commands.command("verify", epilog="Example: mptcp-lab verify client.pcap server.pcap")
@click.argument("files", nargs=-1, required=True, type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def verify_captures(files: tuple[Path, ...], as_json: bool) -> None:
    """Check that captures, taken together, show the protocol kept: keys, HMACs, mappings, data.

    The status is 0 if they are verified, 1 if they are violated or doubtful, 3 if something could
    not be checked.
    """
    from lab.verify import verify_files

    report = verify_files(files)
    click.echo(json.dumps(report.as_dict(), indent=2) if as_json else str(report))
    sys.exit(_STATUS[report.verdict])


@commands.command(
    epilog="Examples: mptcp-lab doctor two_paths; mptcp-lab doctor --here --to 192.0.2.7"
)
@click.argument("topology", required=False)
@click.option("--here", is_flag=True, help="Look at this machine; nothing is changed or sent.")
@click.option("--from", "start", metavar="HOST", help="The host that connects.")
@click.option("--to", "target", metavar="HOST", help="The host, or with --here the address, that "
              "it connects to.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what is found as JSON.")
def doctor(
    topology: str | None, here: bool, start: str | None, target: str | None, as_json: bool
) -> None:
    """Explain why a subflow cannot appear: in a TOPOLOGY, or --here; and what to type against it.

    The status is 0 if nothing stops subflows, and 1 if something does.
    """
    from lab.doctor import command
    from lab.load import find, load

    if (topology is not None) == here or (here and start):
        raise click.UsageError("name a topology, or write --here (with no --from)")
    if here:
        sys.exit(command.show(command.of_this_machine(target), None, as_json=as_json))
    file = find(topology or "", Path())
    declared = load(file)
    _enter_sandbox(file)
    examined = command.of_topology(declared, (start, target))
    sys.exit(command.show(examined, file, as_json=as_json))


_STATUS = {"verified": 0, "violated": 1, "doubtful": 1, "unchecked": 3}
"""2 is click's, for a command line that it does not understand."""


_RESULTS = (*result_commands.COMMANDS, campaign, compare, report, rerun)

for _command in (*column_commands.COMMANDS, *_RESULTS):
    commands.add_command(_command)


def _enter_sandbox(*paths: Path) -> None:
    """Run this same command line in a sandbox, unless it already does; it needs these paths."""
    if sandbox.inside():
        return
    require_visible(*paths)
    reason = sandbox.why_not()
    if reason:
        raise SandboxForbidden(reason)
    sys.exit(sandbox.run([sys.executable, "-m", "lab.start", *sys.argv[1:]]))


def main() -> None:
    """Run a command; the lab's errors are sentences for people."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name can be any bytes
    try:
        commands(prog_name="mptcp-lab")
    except (LabError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
