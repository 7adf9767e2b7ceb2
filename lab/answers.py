"""What programs of the lab answer: one JSON object a line, as the recorder and the relay do."""

from __future__ import annotations

import json
from typing import IO, Any

from lab.waiting import readable


def next_answer(
    output: IO[bytes], key: str, patience: float, *, ended: str, late: str
) -> dict[str, Any]:
    """The next object that a program prints, which has ``key``.

    ``ended`` and ``late`` are what to say of one that says nothing more, or something else.

    :raises TimeoutError: it is silent for ``patience`` seconds.
    :raises EOFError: it says why it cannot go on, or is gone; the text is the reason.
    """
    if not readable([output.fileno()], patience):
        raise TimeoutError
    line = output.readline()
    try:
        answer: dict[str, Any] = json.loads(line)
    except ValueError:
        answer = {"error": line.decode(errors="replace").strip() or ended}
    if key not in answer:
        raise EOFError(answer.get("error", late))
    return answer
