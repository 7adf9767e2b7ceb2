"""Where ``mptcpapi`` starts: before anything is imported that may be missing, or takes a while."""

import sys

INTERRUPTED = 130
"""The exit status that shells give to Ctrl-C: 128 and the number of SIGINT."""


def main() -> None:
    """Run the command line. Exit status: 0 done, 1 refused or failed, 2 usage, 130 Ctrl-C."""
    try:
        import signal  # noqa: PLC0415 - see above

        # Python loses an exception that comes while it lets a module's lock go, and shows it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            from mptcpapi.command import cli  # noqa: PLC0415 - see above
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        status = cli.run()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except ModuleNotFoundError as missing:
        text = f"error: {missing.name} is missing: install the command with"
        sys.exit(f"{text} pip install 'mptcpapi[cli]'")
    sys.exit(status)
