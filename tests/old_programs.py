"""Programs of the old socket API, for scenarios: built, started, and what they said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import mptcpapi

SOURCES = Path(__file__).parent.parent / "scenarios" / "programs"
RUN = [sys.executable, "-m", "mptcpapi", "run"]
PATIENCE = 20
"""Seconds for what takes one, on a busy machine."""


class Tuple(NamedTuple):
    """What MPTCP_GET_SUB_TUPLE told."""

    local: tuple[str, int]
    remote: tuple[str, int]
    low_prio: bool


class Program:
    """A program that runs, and what it has said, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.lines: list[str] = []

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def until(self, line: str) -> None:
        """Read until it has said ``line``."""
        while line not in self.lines:
            self._read(line)

    def until_word(self, word: str) -> list[list[str]]:
        """Read until a line begins with the word; what `said` then gives."""
        while not self.said(word):
            self._read(word)
        return self.said(word)

    def _read(self, awaited: str) -> None:
        assert self._process.stdout is not None
        if not (said := self._process.stdout.readline()):
            raise AssertionError(f"it ended without {awaited!r}: {self.lines}, {self.end()}")
        self.lines.append(said.rstrip("\n"))

    def go_on(self) -> None:
        """Give it the line that it waits for."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def close_input(self) -> None:
        """Let its input end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.stdin = None

    def end(self) -> tuple[int, str]:
        """Wait for its end: its status, and what it complained of."""
        said, complaint = self._process.communicate(timeout=PATIENCE)
        self.lines += said.splitlines()
        return self._process.returncode, complaint

    def said(self, word: str) -> list[list[str]]:
        """Its lines that begin with the word, without it."""
        return [rest for first, *rest in map(str.split, self.lines) if first == word]

    @property
    def errors(self) -> dict[str, int]:
        """The errno of each thing that it tried and that cannot be."""
        return {what: int(code) for what, code in self.said("error")}

    @property
    def tuples(self) -> dict[int, Tuple]:
        """The subflows that it asked for, by id."""
        return {
            int(number): Tuple(_endpoint(local), _endpoint(remote), prio == "1")
            for number, local, remote, prio in self.said("tuple")
        }


def _endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


@contextmanager
def started(node: Any, command: list[str | Path]) -> Iterator[Program]:
    """Run a command at a node, or, without one, here; it is killed at the end if it runs still."""
    process = (node.popen if node else subprocess.Popen)(
        [str(each) for each in command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Program(process)
    finally:
        process.kill()
        process.communicate()


def build(language: str, directory: Path) -> list[str | Path]:
    """The command of the client in this language; skips where its compiler is missing."""
    program = directory / "client"
    if language == "ruby":
        needs("ruby", "ruby ruby-ffi")
        return ["ruby", SOURCES / "client.rb"]
    if language == "go":
        return [compile_go(program)]
    return [compile_c("client.c", program, *(["-static"] if language == "static C" else []))]


def needs(program: str, packages: str) -> None:
    """Skip where a program is missing."""
    if not shutil.which(program):
        pytest.skip(f"{program} is missing: apt-get install {packages}")


def compile_c(source: str, program: Path, *options: str) -> Path:
    """Compile a program in C."""
    needs("gcc", "gcc libc6-dev")
    warnings = ["-Wall", "-Wextra", "-Werror"]
    compile_with("gcc", "-O2", *warnings, *options, "-pthread", "-o", program, SOURCES / source)
    return program


def compile_go(program: Path) -> Path:
    """Compile the client in Go, which calls C."""
    needs("go", "golang-go gcc libc6-dev")
    compile_with("go", "build", "-ldflags=-s -w", "-o", program, SOURCES / "client.go",
                 GOCACHE=str(program.parent / "cache"), GO111MODULE="off",
                 CGO_ENABLED="1")  # fmt: skip
    return program


def compile_with(*command: str | Path, **environment: str) -> None:
    """Run a compiler; what it complains of is the failure."""
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class _Hello(BaseHTTPRequestHandler):
    """Answers every GET."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"Hello\n")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    """Does not care how its clients end."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def http_server(node: Any, *, subflows: int = 8) -> Iterator[None]:
    """An HTTP server on port 80 of a node, which accepts so many additional subflows."""
    with node.stack():
        mptcpapi.set_limits(subflows=subflows)
        listener = mptcpapi.create_server(("", 80))
    with _Server(("", 80), _Hello, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listener
        server.server_name, server.server_port = "multipath-tcp.org", 80
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield
        finally:
            server.shutdown()
            serving.join()
