"""Where ``mptcp-lab`` starts: before anything is imported that may be missing, or takes a while."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it without a word."""
    try:
        from lab import cli  # noqa: PLC0415 - see above

        cli.main()
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as missing:
        sys.exit(
            f"error: {missing.name} is missing: install the lab with pip install 'mptcpapi[lab]'"
        )


if __name__ == "__main__":
    main()
