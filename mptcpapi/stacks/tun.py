"""The device by which an interface of a stack is connected to a VDE network."""

import os
from errno import ENODEV

from mptcpapi.errors import StackUnavailable, raise_if_exhausted

DEVICE = "/dev/net/tun"
"""Documentation/networking/tuntap.rst"""


def require() -> None:
    """See that it can be opened; opened alone it makes no interface.

    libvdestack would wait for ever without it.

    :raises StackUnavailable: it cannot; the text says what to do
    """
    try:
        os.close(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except OSError as failed:
        raise_if_exhausted(failed)
        text = (
            f"an interface on a VDE network needs {DEVICE}: {failed.strerror}; load the module "
            f"(modprobe tun), or give the container the device (--device {DEVICE})"
        )
        raise StackUnavailable(failed.errno or ENODEV, text) from failed
