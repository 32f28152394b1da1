"""An entrypoint for programs of large sites."""

from __future__ import annotations

import asyncio


async def begin() -> None:
    """Let the registrations of what a program declared begin; for ``pulumi.run`` at the program's end.

    Pulumi waits for outputs and registrations in turn, and would begin with the outputs while no registration is on its
    way: each time one of them comes, it puts thousands in the queue anew (a third of the program's processor time with
    ten thousand hosts).
    """
    await asyncio.sleep(0)
