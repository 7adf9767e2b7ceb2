"""Headless Chromium, told what to do over a pipe (Chrome DevTools Protocol); nothing listens."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

import pytest

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

PROGRAM = next((found for found in map(shutil.which, NAMES) if found), None)

needs_browser = pytest.mark.skipif(
    PROGRAM is None,
    reason="no Chromium is installed: apt install chromium-headless-shell",
)

PATIENCE = 60.0
"""seconds for one answer, on a machine that is busy"""


class Page:
    """One page in the browser, and what it has done since it was opened."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._rest, self._number, self._session = b"", 0, {}
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def open(self, path: Path) -> None:
        self.events.clear()
        self.ask("Page.navigate", url=path.as_uri())
        deadline = time.monotonic() + PATIENCE
        while not self.named("Page.loadEventFired"):
            self.events.append(self._message(deadline))

    def named(self, *methods: str) -> list[dict[str, Any]]:
        """The events of these kinds so far."""
        return [event["params"] for event in self.events if event.get("method") in methods]

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        order = {"id": self._number, "method": method, "params": params, **self._session}
        os.write(self._writing, json.dumps(order).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while (answer := self._message(deadline)).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def value(self, expression: str) -> Any:
        """What JavaScript makes of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def size(self, width: int, height: int = 900) -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=width < 500)  # fmt: skip

    def media(self, media: str = "screen", scheme: str = "light") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", media=media, features=features)

    def picture(self, clip: dict[str, float] | None = None) -> bytes:
        """A PNG of the page from top to bottom, or of a part of it."""
        part = {"clip": {**clip, "scale": 1}} if clip else {}
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True, **part)
        return base64.b64decode(shot["data"])

    def printed(self) -> bytes:
        """The page as PDF, on A4."""
        answer = self.ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69,
                          printBackground=True, preferCSSPageSize=True)  # fmt: skip
        return base64.b64decode(answer["data"])

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select([self._reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"no answer from {PROGRAM} within {PATIENCE:g} s")
            read = os.read(self._reading, 1 << 20)
            if not read:
                raise EOFError(f"{PROGRAM} has ended")
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


@contextmanager
def browser(home: Path) -> Iterator[Page]:
    """A browser that ends with the test: when its pipe is closed, and at the latest by a signal."""
    (its_in, writing), (reading, its_out) = os.pipe(), os.pipe()
    far = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (its_in, its_out)]
    os.close(its_in)
    os.close(its_out)
    arguments = [
        str(PROGRAM), "--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run",
        "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
        "--disable-extensions", f"--user-data-dir={home}", "--hide-scrollbars",
        *(["--no-sandbox"] if os.geteuid() == 0 else []), "about:blank",
    ]  # fmt: skip
    with (home / "chromium.log").open("wb") as log:
        process = os.posix_spawn(arguments[0], arguments, {**os.environ, "HOME": str(home)},
                                 file_actions=[
            (os.POSIX_SPAWN_DUP2, far[0], 3), (os.POSIX_SPAWN_DUP2, far[1], 4),
            (os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
        ])  # fmt: skip
    for end in far:
        os.close(end)
    try:
        yield Page(reading, writing)
    finally:
        os.close(writing)
        os.close(reading)
        _end(process)


def _end(process: int) -> None:
    deadline = time.monotonic() + 10
    while os.waitpid(process, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            return
        time.sleep(0.02)
