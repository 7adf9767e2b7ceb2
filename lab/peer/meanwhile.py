"""A call that waits for the peer, made while the test is the peer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@contextmanager
def meanwhile(
    call: Callable[Arguments, Result], *arguments: Arguments.args, **options: Arguments.kwargs
) -> Iterator[Future[Result]]:
    """Run a blocking call in a thread while the body plays the peer; it ends with the body.

    ``future.result(5)`` gives what came of it. The call must have a time limit of its own, since
    the end of the context waits for it: a socket's time-out, or an argument.
    """
    with ThreadPoolExecutor(max_workers=1) as threads:
        yield threads.submit(call, *arguments, **options)
