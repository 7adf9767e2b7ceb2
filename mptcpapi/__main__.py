"""``python -m mptcpapi``: the command of the same name."""

from mptcpapi.command.start import main

main()
