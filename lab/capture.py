"""Captures at the hosts of a network: complete from the first packet on, or the run is invalid."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from lab import recorder
from lab.answers import next_answer
from lab.errors import InvalidRun, ScenarioFailed, UsageError
from lab.host import LabNode
from lab.trace import Trace
from lab.verify import Report, expect_kept, verify_files
from lab.wire import reading

SNAP_LENGTH = 160
"""bytes kept of each packet: cooked header 20, IPv6 40, TCP with all its options 60, and some."""

PATIENCE = 10.0
"""seconds until a recorder that does not answer counts as dead."""


FIRST_PAUSE = 0.02
"""seconds between the first and the second look at a capture"""


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel says at the end of a capture."""

    received: int
    """packets that crossed."""
    dropped: int
    """packets that the file lacks."""
    written: int
    """packets in the file."""


class HostCapture:
    """The capture of one host, from its start to :meth:`stop`."""

    def __init__(self, node: LabNode, path: Path) -> None:
        self.host = node.name
        self.path = path
        command = [sys.executable, "-I", "-S", recorder.__file__, str(path), str(SNAP_LENGTH)]
        self._process: subprocess.Popen[bytes] = node.popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )

    def wait_ready(self) -> None:
        """Return when no later packet can be missed.

        :raises InvalidRun: the recorder could not start.
        """
        self._answer("ready")

    def sync(self) -> int:
        """Wait until every packet that has crossed until now is in the file: how many it has.

        :raises InvalidRun: the recorder is gone.
        """
        with suppress(BrokenPipeError):  # the answer says why
            _pipe(self._process.stdin).write(b"\n")
        return int(self._answer("synced")["synced"])

    def end(self) -> None:
        """Record no more packets; :meth:`counters` waits until that is done."""
        _pipe(self._process.stdin).close()

    def counters(self) -> Counters:
        """What the kernel said when the capture had ended.

        :raises InvalidRun: the recorder is gone, or packets are missing.
        """
        with self._process:
            answer = self._answer("received")
        if answer["dropped"]:
            raise InvalidRun(
                f"the capture at {self.host} lacks {answer['dropped']} of {answer['received']} "
                "packets: what it does not show proves nothing"
            )
        with _evidence():
            reading.read_records(self.path, at_least=answer["written"])
        return Counters(**answer)

    def kill(self) -> None:
        """End the recorder at once, whatever it does."""
        self._process.kill()
        with self._process:
            pass

    def _answer(self, key: str) -> dict[str, Any]:
        try:
            return next_answer(
                _pipe(self._process.stdout), key, PATIENCE,
                ended="its recorder ended", late="its recorder answered too late",
            )  # fmt: skip
        except TimeoutError:
            self._process.kill()  # the next answer is the end of its output
            raise InvalidRun(
                f"the capture at {self.host} did not answer for {PATIENCE:g} s"
            ) from None
        except EOFError as reason:
            raise InvalidRun(f"the capture at {self.host} is not complete: {reason}") from None


@contextmanager
def _evidence() -> Iterator[None]:
    """Turn the absence of a capture's file into an invalid run: it was there."""
    try:
        yield
    except UsageError as problem:
        raise InvalidRun(str(problem)) from problem


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "the recorder is started with pipes"  # noqa: S101 - for the type
    return pipe


class Captures:
    """Captures at several hosts; entering the context returns when all of them run."""

    def __init__(self, nodes: Iterable[LabNode], directory: Path) -> None:
        self._nodes = tuple(nodes)
        self._directory = directory
        self._running: dict[str, HostCapture] = {}
        self.counters: dict[str, Counters] = {}
        """By host; known after :meth:`stop`."""

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            for node in self._nodes:
                capture = HostCapture(node, self._directory / f"{node.name}.pcap")
                undo.callback(capture.kill)
                self._running[node.name] = capture
            for capture in self._running.values():
                capture.wait_ready()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for capture in self._running.values():
            capture.kill()

    def at(self, host: str) -> Trace:
        """Every packet that ``host`` has sent or received until now.

        :raises UsageError: there is no capture at ``host``.
        :raises InvalidRun: the capture has died, or its file was cut or altered.
        """
        if host in self._running:
            written = self._running[host].sync()
        elif host in self.counters:
            written = self.counters[host].written
        else:
            known = ", ".join(sorted({*self._running, *self.counters}))
            raise UsageError(f"no capture at '{host}' (captures: {known})")
        with _evidence():
            return Trace.from_pcap(self._directory / f"{host}.pcap", at=host, at_least=written)

    def until(
        self, host: str, condition: Callable[[Trace], bool], *, timeout: float = 15.0
    ) -> Trace:
        """Wait until what ``host`` has seen fulfils ``condition``; give what it has seen then.

        :raises ScenarioFailed: it does not within ``timeout`` seconds; the text says what it shows.
        """
        end = time.monotonic() + timeout
        pause = FIRST_PAUSE
        while not condition(seen := self.at(host)):
            if time.monotonic() > end:
                raise ScenarioFailed(
                    f"what is expected did not come within {timeout:g} s; {seen.summary()}"
                )
            # A trace takes time to read, and more when it is long: look less and less often.
            time.sleep(pause)
            pause *= 1.5
        return seen

    def verify(self) -> Report:
        """Check that all which the hosts have sent and received until now keeps to the protocol.

        :raises InvalidRun: a capture has died.
        """
        for capture in self._running.values():
            capture.sync()
        hosts = sorted({*self._running, *self.counters})
        return verify_files(self._directory / f"{host}.pcap" for host in hosts)

    def expect_kept(
        self, tell: Callable[[Report], None], *, except_for: Iterable[str] = ()
    ) -> None:
        """Verify the captures, and ``tell`` the report whatever it says.

        ``except_for``: parts of the sentences about violations that there must be.

        :raises ScenarioFailed: something else violates the protocol, or one of these is not found.
        """
        report = self.verify()
        tell(report)
        expect_kept(report, except_for=except_for)

    def stop(self) -> None:
        """End all captures; what they recorded can still be asked for.

        :raises InvalidRun: one of them lacks packets, or its file does.
        """
        problems = []
        for capture in self._running.values():
            capture.end()
        while self._running:
            host, capture = self._running.popitem()
            try:
                self.counters[host] = capture.counters()
            except InvalidRun as problem:
                problems.append(str(problem))
        if problems:
            raise InvalidRun("\n".join(problems))
