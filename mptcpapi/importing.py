"""Importing what takes long at its first use, in a process with several threads that forks.

A child of fork has one thread: if another one was at an import, the child would wait for its end
for ever. So a fork waits until the imports are done.
"""

import os
from threading import RLock

importing = RLock()
"""Held during such an import."""

os.register_at_fork(
    before=importing.acquire, after_in_parent=importing.release, after_in_child=importing.release
)
