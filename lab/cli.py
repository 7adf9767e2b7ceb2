"""``mptcp-lab``: the lab from the shell."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path

import click
from mininet.cli import CLI
from rich.console import Console
from rich.table import Table

from lab import demo as demonstration
from lab import sandbox
from lab.build import Network
from lab.errors import LabError, SandboxForbidden
from lab.load import load, schema
from lab.report import add_row, find_run, how_to_look, read_run, tables
from lab.verify import Verdict, verify_files

_PATH = click.Path(path_type=Path)

_EPILOG = """\b
Examples:
  mptcp-lab check topologies/*.yaml
  mptcp-lab up topologies/two_paths.yaml --cli
  mptcp-lab exec -- ip link
\b
Completion, for bash (zsh and fish alike):
  eval "$(_MPTCP_LAB_COMPLETE=bash_source mptcp-lab)"
"""


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mptcpapi")
def commands() -> None:
    """Networks of multi-homed hosts from YAML, and Multipath TCP in them."""


@commands.command(epilog="Example: mptcp-lab check topologies/two_paths.yaml")
@click.argument("files", nargs=-1, required=True, type=_PATH)
def check(files: tuple[Path, ...]) -> None:
    """Look for mistakes in topology files, without building anything."""
    mistaken = 0
    for file in files:
        try:
            topology = load(file)
        except LabError as mistakes:
            mistaken += 1
            click.echo(str(mistakes), err=True)
        else:
            nodes, links = len(topology.nodes), len(topology.links)
            click.echo(f"{file}: {topology.name}: {nodes} nodes, {links} links, no mistakes")
    sys.exit(1 if mistaken else 0)


@commands.command("schema", epilog="Example: mptcp-lab schema > topologies/schema.json")
def print_schema() -> None:
    """Print the JSON Schema of topology files, for editors."""
    click.echo(json.dumps(schema(), indent=2))


@commands.command(epilog="Example: mptcp-lab up topologies/two_paths.yaml --cli")
@click.argument("file", type=_PATH)
@click.option("--cli", "prompt", is_flag=True, help="Give Mininet's own prompt.")
def up(file: Path, prompt: bool) -> None:
    """Build a network and keep it up until Ctrl-C, or the end of the prompt."""
    topology = load(file)
    _enter_sandbox()
    with Network(topology) as network:
        Console().print(_addresses(network))
        if prompt:
            CLI(network)
        else:
            click.echo("A shell at a node, from another terminal:")
            for node in network.nodes:
                click.echo(
                    f"  {shlex.join([*sandbox.entrance(), *node.entrance()])}   # {node.name}"
                )
            click.echo("The network is up. Ctrl-C takes it down.")
            _wait_for_interrupt()


def _addresses(network: Network) -> Table:
    table = Table("node", "interface", "addresses", title=network.topology.name)
    for node in network.nodes:
        for interface, addresses in node.addresses.items():
            add_row(table, node.name, interface, ", ".join(map(str, addresses)))
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
    """Run a command in a new, empty network, as root inside; its processes end with it."""
    sys.exit(sandbox.run(command))


@commands.command(epilog="Example: mptcp-lab demo --results /tmp/results")
@click.option("--results", type=_PATH, default=Path("results"), show_default=True,
              help="Where the run's directory is made.")  # fmt: skip
@click.option("--topology", "file", type=_PATH, default=Path("topologies/two_paths.yaml"),
              show_default=True, help="A topology with the hosts client and server.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the steps as JSON.")
def demo(results: Path, file: Path, as_json: bool) -> None:
    """Open, prioritise and close a subflow during a transfer, and show three witnesses of each."""
    topology = load(file)
    _enter_sandbox()
    steps, directory = demonstration.run(topology, file, results)
    if as_json:
        rows = [step._asdict() for step in steps]
        click.echo(json.dumps({"run": str(directory), "steps": rows}, indent=2))
        return
    table = Table("done", "the API said", "the kernel said", "the wire carried", show_lines=True)
    for step in steps:
        add_row(table, *step)
    Console().print(table)
    click.echo(f"The run is kept. Look at it: {how_to_look(directory)}")


@commands.command(epilog="Example: mptcp-lab show results/20260131T101500.123-open-1f3a")
@click.argument("run", type=_PATH, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print manifest and records as JSON.")
def show(run: Path | None, as_json: bool) -> None:
    """Print a run: a path, a name in results/, or the newest there if none is given."""
    run = find_run(run)
    kept = read_run(run)
    if as_json:
        click.echo(json.dumps(kept._asdict(), indent=2))
        return
    for part in tables(run, kept):
        Console().print(part, markup=False, highlight=False, soft_wrap=isinstance(part, str))


@commands.command("verify", epilog="Example: mptcp-lab verify client.pcap server.pcap")
@click.argument("files", nargs=-1, required=True, type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def verify_captures(files: tuple[Path, ...], as_json: bool) -> None:
    """Check that captures, taken together, show the protocol kept: keys, HMACs, mappings, data.

    The status is 0 if they are verified, 1 if they are violated or doubtful, 3 if something could
    not be checked.
    """
    report = verify_files(files)
    click.echo(json.dumps(report.as_dict(), indent=2) if as_json else str(report))
    sys.exit(_STATUS[report.verdict])


_STATUS = {
    Verdict.VERIFIED: 0,
    Verdict.VIOLATED: 1,
    Verdict.DOUBTFUL: 1,
    Verdict.UNCHECKED: 3,
}
"""2 is click's, for a command line that it does not understand."""


def _enter_sandbox() -> None:
    """Run this same command line in a sandbox, unless it already does."""
    if sandbox.inside():
        return
    reason = sandbox.why_not()
    if reason:
        raise SandboxForbidden(reason)
    sys.exit(sandbox.run([sys.executable, "-m", "lab.start", *sys.argv[1:]]))


def main() -> None:
    """Run a command; the lab's errors are sentences for people."""
    try:
        commands(prog_name="mptcp-lab")
    except (LabError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
