"""The programs of an Open vSwitch that belongs to one network namespace, and to nobody else.

Database, sockets and logs are in a private temporary directory. Packets pass through
``ovs-vswitchd`` itself (the datapath ``netdev``), so that no kernel module is needed. Neither
program ends with its input: what is left of them ends with the sandbox.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from lab.errors import InvalidRun, Unsupported
from lab.hop.ended import status_of

PROGRAMS = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl")

SCHEMAS = tuple(
    Path(root, "share/openvswitch/vswitch.ovsschema") for root in ("/usr", "/usr/local")
)
"""What a database of Open vSwitch is made of, installed with it."""

PATIENCE = 10
"""seconds until a program that does not answer counts as broken; usually it takes 0.1 s."""

GLANCE = 0.1
"""seconds between two looks at whether what ``ovs-vsctl`` waits for still runs"""

QUESTION = json.dumps({"id": 0, "method": "version", "params": []}).encode()
"""What each program answers in the loop that does its work (JSON-RPC, ovs-appctl(8))."""

LAST_WORDS = 500
"""characters of a log, for whoever has to find out why"""


class Daemons:
    """``ovsdb-server`` and ``ovs-vswitchd``, started in the calling thread's network namespace.

    :raises Unsupported: they are not installed, or do not start.
    """

    def __init__(self) -> None:
        schema = _schema()
        self._directory = Path(tempfile.mkdtemp(prefix="openvswitch-"))
        self._database = f"unix:{self._directory / 'db.sock'}"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            self._start(schema)
        except BaseException:
            self.stop()
            raise

    def _start(self, schema: Path) -> None:
        file = self._directory / "conf.db"
        self._run("ovsdb-tool", "create", str(file), str(schema))
        self._begin("ovsdb-server", str(file), f"--remote=p{self._database}")
        self.tell("--no-wait", "init")
        self._begin("ovs-vswitchd", self._database)

    def _begin(self, program: str, *arguments: str) -> None:
        control = f"--unixctl={self._control(program)}"
        log = f"--log-file={self._log(program)}"
        self._running[program] = subprocess.Popen(
            [program, *arguments, control, log, "-vconsole:off", "-vsyslog:off"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=self._environment(),
        )  # fmt: skip

    def tell(self, *command: str) -> None:
        """Have ``ovs-vsctl`` carry out a command; return when ``ovs-vswitchd`` has done it.

        :raises Unsupported: it could not.
        :raises InvalidRun: a program was killed.
        """
        deadline = f"--timeout={PATIENCE}"
        self._run("ovs-vsctl", f"--db={self._database}", "--retry", deadline, *command)

    def trouble(self) -> str | None:
        """Say so if one of them has ended, or does not answer: what is killed ends a little later.

        One that was stopped or is stuck passes no packets either.
        """
        for program, process in self._running.items():
            silent = self._silence(program)
            if silent:
                status = status_of(process)
                what = f"does not answer: {silent}" if status is None else _end(status)
                return f"{program} {what}{self._last_words()}"
        return None

    def _silence(self, program: str) -> str:
        """Why a program does not answer; empty if it does."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(PATIENCE)
            try:
                asking.connect(str(self._control(program)))
                asking.sendall(QUESTION)
                return "" if asking.recv(1) else "it hung up"
            except OSError as problem:
                return problem.strerror or str(problem)

    def stop(self) -> None:
        """End both, and remove their files."""
        for process in reversed(self._running.values()):
            process.kill()
            process.wait()
        self._running.clear()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        """ovs-vsctl ends with status 0 when a port cannot be used, and says so."""
        command = [program, "-vconsole:off", "-vsyslog:off", *arguments]
        with subprocess.Popen(
            command, env=self._environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            said = self._said(process)
        if process.returncode or said:
            ended = self._ended()
            # What was killed says nothing of what this machine can do.
            killed = min(ended.values(), default=process.returncode) < 0
            reason = ", ".join(f"{name} {_end(status)}" for name, status in ended.items())
            raise (InvalidRun if killed else Unsupported)(
                f"Open vSwitch: {program} {' '.join(arguments)}: "
                f"{reason or said or _end(process.returncode)}{self._last_words()}"
            )

    def _said(self, process: subprocess.Popen[bytes]) -> str:
        """All that it says; one that waits for a program that has ended would wait long."""
        while True:
            try:
                return process.communicate(timeout=GLANCE)[0].decode(errors="replace").strip()
            except subprocess.TimeoutExpired:
                if self._ended():
                    process.kill()

    def _ended(self) -> dict[str, int]:
        """The statuses of those programs that were started and have ended."""
        statuses = ((name, process.poll()) for name, process in self._running.items())
        return {name: status for name, status in statuses if status is not None}

    def _environment(self) -> dict[str, str]:
        """Have none of the programs look into the machine's directories, ovs-vswitchd(8)."""
        kinds = ("RUN", "LOG", "DB", "SYSCONF")
        return {**os.environ, **{f"OVS_{kind}DIR": str(self._directory) for kind in kinds}}

    def _control(self, program: str) -> Path:
        return self._directory / f"{program}.ctl"

    def _log(self, program: str) -> Path:
        return self._directory / f"{program}.log"

    def _last_words(self) -> str:
        """The end of what each has logged."""
        words = ""
        for program in self._running:
            with suppress(OSError):
                log = self._log(program).read_text(encoding="utf-8", errors="replace").strip()
                words += f"\n{program}: {log[-LAST_WORDS:]}"
        return words


def _end(status: int) -> str:
    return f"ended with status {status}"


def _schema() -> Path:
    """The schema of the database, if all that is needed is there."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    found = [schema for schema in SCHEMAS if schema.exists()]
    if missing or not found:
        what = ", ".join(missing) or SCHEMAS[0].name
        raise Unsupported(
            f"{what} not found: a switch of kind openvswitch needs Open vSwitch, on Debian: "
            "apt-get install openvswitch-switch (which starts a service that the lab does not use)"
        )
    return found[0]
