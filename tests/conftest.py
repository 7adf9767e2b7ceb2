"""What several files of tests begin with."""

from collections.abc import Iterator

import pytest

import mptcpapi
from mptcpapi import NoPrivilege, Socket, Unavailable, Unsupported


@pytest.fixture
def listener() -> Iterator[Socket]:
    """A listening socket of the userspace path manager, so that it accepts subflows."""
    try:
        mptcpapi.set_path_manager("userspace")
        made = mptcpapi.create_server(("127.0.0.1", 0))
    except (NoPrivilege, Unavailable, Unsupported) as reason:
        pytest.skip(str(reason))
    with made:
        yield made
    mptcpapi.set_path_manager("kernel")
