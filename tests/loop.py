"""A loop for coroutines under test, in a thread of its own: the browser of an earlier test leaves its loop running in
the thread of the tests, where ``asyncio.run`` then fails."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
