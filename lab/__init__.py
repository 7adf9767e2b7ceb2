"""Networks of multi-homed hosts from YAML, scenarios that drive MPTCP in them, captures that prove it."""
