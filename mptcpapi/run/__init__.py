"""Programs written for the old MPTCP socket API, run as they are.

A program that is started here has a seccomp filter. It stops only the calls that made stream
sockets, and those of the options 66 to 72 at IPPROTO_TCP, which upstream kernels do not have; a
supervisor answers them (seccomp_unotify(2)) with what `mptcpapi.draft` does. Everything else of
the program, its threads and its children runs as without it.

    program ── socket(), getsockopt(), setsockopt() ──► filter ──► kernel
                                                          │
    supervisor ◄── listener: who calls what ──────────────┘
    ├── layouts       the structs of the old options, to values and back
    ├── caller        the thread that called: its memory, its descriptors, its rights
    ├── upgrading     socket(): MPTCP instead of TCP
    └── answering     one old option, by `mptcpapi.draft`

The program takes the place of the process that was started (``exec``): so its process id, its exit
status, its terminal, and the signals it gets are its own. The supervisor is a process beside it,
which ends when nobody is left who has the filter.
"""
