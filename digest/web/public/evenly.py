"""Answers whose time tells nothing: what is found out on the way makes a step shorter or longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

EVEN_SECONDS = 0.05
"""Asking for a confirmation mail took 2 to 10 ms, by whether the address may get one."""


@asynccontextmanager
async def evenly(seconds: float = EVEN_SECONDS) -> AsyncIterator[None]:
    """Let a step last so long, however fast it was: else a suppressed address is known by its faster answer."""
    until = monotonic() + seconds
    yield
    await asyncio.sleep(max(0.0, until - monotonic()))
