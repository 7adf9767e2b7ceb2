"""A worker of Dask that does not see some directories: they are covered in its mount namespace.

``lonely_worker.py SCHEDULER SCRATCH HIDDEN…``
"""

import os
import sys
from pathlib import Path

from lab.sandbox import libc

scheduler, scratch, *hidden = sys.argv[1:]
libc.unshare(libc.CLONE_NEWNS)
libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)
for directory in hidden:
    libc.mount("tmpfs", directory, "tmpfs", options="mode=000")
dask = Path(sys.executable).with_name("dask")
os.execv(  # noqa: S606 - this is what the program is for
    dask,
    [
        str(dask), "worker", scheduler, "--host", "127.0.0.1", "--no-dashboard",
        "--resources", "lab=1", "--nthreads", "1", "--memory-limit", "0",
        "--local-directory", scratch, "--death-timeout", "60",
    ],
)  # fmt: skip
