"""The kernel's rtnetlink: requests coded by hand, and carried out many at once."""
