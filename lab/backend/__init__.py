"""What emulates the impairments of links here: the kernel's netem, or VDE's wirefilter.

Chosen by trying what works, never by versions; ``--backend`` forces one.
"""

from lab.backend.choice import BACKENDS, choose
from lab.backend.kind import Backend

__all__ = ["BACKENDS", "Backend", "choose"]
