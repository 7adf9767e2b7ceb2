"""Where ``mptcp-lab`` starts: before anything is imported that may be missing, or takes a while."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it without a word."""
    try:
        import signal  # noqa: PLC0415 - see above

        # Python loses an exception that comes while it lets a module's lock go, and shows it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            from lab import cli  # noqa: PLC0415 - see above
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        cli.main()
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as missing:
        sys.exit(
            f"error: {missing.name} is missing: install the lab with pip install 'mptcpapi[lab]'"
        )


if __name__ == "__main__":
    main()
