"""``mptcpapi``: the connections of other processes from the shell. See ``docs/command.md``."""
