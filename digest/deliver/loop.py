"""The event loop a send runs in: uvloop's where it is installed, which needs about half the CPU a message."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_make_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
try:
    import uvloop
except ImportError:
    pass  # the `speed` extra is optional
else:
    _make_loop = uvloop.new_event_loop

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in a loop of its own."""
    with asyncio.Runner(loop_factory=_make_loop) as runner:
        return runner.run(main)
