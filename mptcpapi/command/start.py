"""Where ``mptcpapi`` starts: before anything is imported that may be missing, or takes a while."""

from __future__ import annotations

import signal
import sys

INTERRUPTED = 128 + signal.SIGINT
"""The exit status that shells give to Ctrl-C."""


def main() -> None:
    """Run the command line. Exit status: 0 done, 1 refused or failed, 2 usage, 130 Ctrl-C."""
    try:
        from mptcpapi.command import cli  # noqa: PLC0415 - see above

        status = cli.run()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except ModuleNotFoundError as missing:
        text = f"error: {missing.name} is missing: install the command with"
        sys.exit(f"{text} pip install 'mptcpapi[cli]'")
    sys.exit(status)
