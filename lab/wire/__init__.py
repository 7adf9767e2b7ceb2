"""What stands on the wire: MPTCP options, TCP segments, keys and handshakes, without any I/O."""
