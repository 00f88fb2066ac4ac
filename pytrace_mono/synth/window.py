"""Work on many things side by side, and take them up in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_HELD = 64  # finished things held for one at work, at most: one slow row holds up no other


class Window(Generic[T]):
    """Things that are done, at work, or came ready, in order.

    Args:
        at_work: how many may be worked on at once.
    """

    def __init__(self, at_work: int) -> None:
        self._at_work = at_work
        self._items: deque[asyncio.Task[T] | T] = deque()
        self._working = 0
        self._done = asyncio.Event()
        self._failed: BaseException | None = None

    @property
    def full(self) -> bool:
        """Whether something has to be done, or taken, before the next is begun."""
        return self._working >= self._at_work or len(self._items) >= _HELD * self._at_work

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: T) -> None:
        """Something that needs no work; it keeps its place."""
        self._items.append(item)

    def begin(self, work: Coroutine[Any, Any, T]) -> None:
        """Begin to work on something."""
        task = asyncio.create_task(work)
        self._working += 1
        task.add_done_callback(self._ended)
        self._items.append(task)

    def take(self) -> Iterator[T]:
        """What is done, up to the first that is not."""
        while self._items:
            first = self._items[0]
            if isinstance(first, asyncio.Task):
                if not first.done():
                    return
                first = first.result()
            self._items.popleft()
            yield first

    async def wait(self) -> None:
        """Until something more is done, anywhere in the window.

        Raises:
            BaseException: what some work raised, whether its turn has come or not.
        """
        if self._working:
            await self._done.wait()
        self._done.clear()
        if self._failed is not None:
            raise self._failed

    async def end(self) -> Iterator[T]:
        """End all work; what was done stays, in order."""
        running = [item for item in self._items if isinstance(item, asyncio.Task)]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        whole = [
            item.result() if isinstance(item, asyncio.Task) else item
            for item in self._items
            if not isinstance(item, asyncio.Task) or not (item.cancelled() or item.exception())
        ]
        self._items.clear()
        return iter(whole)

    def _ended(self, task: asyncio.Task[T]) -> None:
        self._working -= 1
        self._done.set()
        if self._failed is None and not task.cancelled():
            self._failed = task.exception()
