"""A fake MPTCP stack for the unit tests of applications: no kernel support, no privilege, no lab.

    import mptcpapi.testing

    with mptcpapi.testing.FakeStack() as stack:
        stack.refuse("lte")
        ...  # call the application; what it asks `mptcpapi` goes to the fake

With pytest: ``from mptcpapi.testing.fixtures import fake_mptcp`` in a conftest.py.
"""

from mptcpapi.testing.stack import DEFAULT_PATHS, DEFAULT_PEERS, FakeStack

__all__ = ["DEFAULT_PATHS", "DEFAULT_PEERS", "FakeStack"]
