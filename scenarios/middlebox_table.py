"""Write docs/middlebox_table.md from the runs of test_middlebox_matrix.py below a directory.

``python scenarios/middlebox_table.py results >docs/middlebox_table.md``
"""

import json
import sys
from pathlib import Path

HEAD = """# What Linux makes of middleboxes

Written by `python scenarios/middlebox_table.py DIRECTORY` from the runs of
`pytest scenarios/test_middlebox_matrix.py --results DIRECTORY`, on Linux {kernel}.

Each cell is one connection on which both ends send 120 kB at the same time. The box faces from the
client to the server (*there*), the other way (*back*), or there is one each way (*both*). Where
nothing else is said, every byte arrived unchanged. What is **bold** is
[not as it should be](middleboxes.md#defects).
"""

TITLES = {
    "one": "One path",
    "first": "Two paths, the box on that of the first subflow",
    "second": "Two paths, the box on that of the second subflow",
}
WAYS = ("there", "back", "both")

CAUSES = (
    "MPCapableFallbackSYNACK", "MPCapableFallbackACK", "MPCapableDataFallback",
    "MPCapableSYNTXDrop", "DssFallback", "DSSCorruptionFallback", "DSSCorruptionReset",
    "DSSNoMatchTCP", "DataCsumErr", "InfiniteMapRx", "MPFailTx", "MPJoinSynAckHMacFailure",
    "MPJoinAckHMacFailure", "MPRstTx",
)  # fmt: skip
"""The kernel's counters that say why a connection or subflow does not go on."""


def runs(directory):
    """The manifests of the matrix, by their kinds of box; the last run of each."""
    found = {}
    kernel = ""
    for path in sorted(directory.rglob("manifest.json")):
        manifest = json.loads(path.read_text("utf-8"))
        if "middlebox" in manifest:
            found[manifest["middlebox"]] = manifest["cells"]
            kernel = manifest["kernel"]["release"]
    return kernel, found


def told(cell):
    """A connection's end in a few words."""
    words = [protocol(cell)]
    for role in ("client", "server"):
        causes = [name for name in CAUSES if name in cell[role]["counters"]]
        if causes:
            words.append(f"{role}: {', '.join(causes)}")
    words += [fate(role, cell[role]) for role in ("client", "server")]
    return "; ".join(filter(None, words))


def protocol(cell):
    """What it speaks at its end, or how it failed."""
    errors = {cell[role]["error"] for role in ("client", "server")} - {None}
    if errors - {"hangs"}:
        return f"fails: {', '.join(sorted(errors))}"
    speaks = "MPTCP" if all(cell[role]["mptcp"] for role in ("client", "server")) else "TCP"
    if cell["place"] == "one" or speaks == "TCP":
        return speaks
    return "MPTCP, no second subflow" if cell["join"] else "MPTCP, two subflows"


def fate(role, got):
    """What became of the data that this end should have."""
    if got["error"] == "hangs":
        return f"**{role} waits for ever**"
    if got["data"] == "intact" or got["error"]:
        return ""
    if got["data"] == "altered by the box":
        return f"{role}'s data altered"
    return f"**{role}'s data {got['data']}**"


def table(place, found):
    """The rows of one place, as Markdown."""
    yield f"\n## {TITLES[place]}\n"
    yield f"| box | {' | '.join(WAYS)} |"
    yield "|---|---|---|---|"
    for name, cells in sorted(found.items()):
        here = {cell["way"]: told(cell) for cell in cells if cell["place"] == place}
        yield f"| {name} | {' | '.join(here[way] for way in WAYS)} |"


def main():
    """Print the page."""
    kernel, found = runs(Path(sys.argv[1]))
    lines = [HEAD.format(kernel=kernel).rstrip()]
    for place in TITLES:
        lines += table(place, found)
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
