"""Networks of multi-homed hosts from YAML, and captures that prove what MPTCP does in them."""
