"""``@traced``: record each call of a function of one's own, whichever kind of function it is."""

from __future__ import annotations

import collections
import functools
import inspect
import os
import threading
import types
from collections.abc import Callable, Generator
from typing import Any, TypeVar, overload

from pytrace_mono.errors import InputError
from pytrace_mono.tracer import audit
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.live import CallRecording
from pytrace_mono.tracer.scope import Scope
from pytrace_mono.tracer.types import Trace

F = TypeVar("F", bound=Callable[..., Any])

KEPT = 16
"""Traces that a function keeps in its ``traces`` when no ``to`` takes them."""
SWITCH = "PYTRACE_MONO_TRACED"
"""Environment variable; ``0`` when a function is decorated leaves it as it is."""

_thread = threading.local()


@overload
def traced(function: F, /) -> F: ...
@overload
def traced(
    function: None = None,
    /,
    *,
    to: Callable[[Trace], object] | None = None,
    limits: Limits | None = None,
    scope: Scope | None = None,
    aliases: bool = False,
    enabled: bool = True,
) -> Callable[[F], F]: ...


def traced(
    function: Any = None,
    /,
    *,
    to: Callable[[Trace], object] | None = None,
    limits: Limits | None = None,
    scope: Scope | None = None,
    aliases: bool = False,
    enabled: bool = True,
) -> Any:
    """Record each call of a function, a method, a generator or an async function.

    A call made while another recording runs in the same thread (so a recursive one, too) is not
    recorded on its own: it is part of the other, where that one's scope has it. A generator or
    coroutine is recorded while it runs, not while it is suspended; its Trace is there when it ended.
    What the function returns or raises is not touched.

    Args:
        to: given each finished Trace, as ``traces.append``; without it the latest 16 are in the
            ``traces`` of the decorated function.
        limits: as for :class:`record`.
        scope: which code is recorded; by default the file that defines the function.
        aliases: as for :class:`record`.
        enabled: False gives the very same function back; so does the environment variable
            ``PYTRACE_MONO_TRACED=0``.

    Raises:
        InputError: what is decorated is not a function (``@traced`` stands below ``@classmethod``,
            ``@staticmethod`` and ``@property``).

    Example::

        @traced
        def add_up(numbers): ...

        add_up([1, 2])
        print(add_up.traces[-1].to_json())
    """
    if function is None:
        return functools.partial(_decorate, to, limits, scope, aliases, enabled)
    return _decorate(to, limits, scope, aliases, enabled, function)


def _decorate(
    to: Callable[[Trace], object] | None,
    limits: Limits | None,
    scope: Scope | None,
    aliases: bool,
    enabled: bool,
    function: Any,
) -> Any:
    if not enabled or os.environ.get(SWITCH) == "0":
        return function
    if not callable(function) or isinstance(function, (type, staticmethod, classmethod)):
        raise InputError(
            f"@traced got a {type(function).__name__}; put it directly above a `def`, below "
            "@classmethod, @staticmethod or @property."
        )
    traces: collections.deque[Trace] = collections.deque(maxlen=KEPT)
    deliver = traces.append if to is None else to

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> CallRecording:
        return CallRecording(function, args, kwargs, limits, scope, aliases)

    wrapper = _wrapper_for(function, begin, deliver)
    if to is None:
        wrapper.traces = traces
    return wrapper


def _wrapper_for(
    function: Any,
    begin: Callable[[tuple[Any, ...], dict[str, Any]], CallRecording],
    deliver: Callable[[Trace], object],
) -> Any:
    wrapper: Any
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            inner = function(*args, **kwargs)
            call = None if _is_recording() else begin(args, kwargs)
            step = inner.__anext__()
            try:
                while True:
                    try:
                        item = await _drive(step, call)
                    except StopAsyncIteration:
                        break
                    try:
                        sent = yield item
                    except GeneratorExit:
                        await _drive(inner.aclose(), call)
                        raise
                    except BaseException as error:  # all that is thrown in is passed on
                        step = inner.athrow(error)
                    else:
                        step = inner.asend(sent)
            except BaseException as error:  # told, and raised again
                _finish(call, deliver, error=error)
                raise
            _finish(call, deliver)

    elif inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            call = None if _is_recording() else begin(args, kwargs)
            try:
                value = await _drive(function(*args, **kwargs), call)
            except BaseException as error:  # told, and raised again
                _finish(call, deliver, error=error)
                raise
            _finish(call, deliver, value)
            return value

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            call = None if _is_recording() else begin(args, kwargs)
            try:
                value = yield from _drive(function(*args, **kwargs), call)
            except BaseException as error:  # told, and raised again
                _finish(call, deliver, error=error)
                raise
            _finish(call, deliver, value)
            return value

    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if _is_recording():
                return function(*args, **kwargs)
            call = begin(args, kwargs)
            try:
                value = _step(call, lambda: function(*args, **kwargs))
            except BaseException as error:  # told, and raised again
                _finish(call, deliver, error=error)
                raise
            _finish(call, deliver, value)
            return value

    return wrapper


def _is_recording() -> bool:
    # The flag outlives a recording that reached its limit, so that a deep recursion does not begin
    # one after another.
    return getattr(_thread, "busy", False) or audit.is_watched()


def _step(call: CallRecording | None, run: Callable[[], Any]) -> Any:
    """Run until the function ends or is suspended, recorded."""
    if call is None or _is_recording():
        return run()
    _thread.busy = True
    call.resume()
    try:
        return run()
    finally:
        call.pause()
        _thread.busy = False


@types.coroutine
def _drive(inner: Any, call: CallRecording | None) -> Generator[Any, Any, Any]:
    """``yield from inner``, or ``await inner``, with each stretch of it recorded."""
    run = functools.partial(inner.send, None)
    while True:
        try:
            item = _step(call, run)
        except StopIteration as stop:
            return stop.value
        try:
            sent = yield item
        except GeneratorExit:
            _step(call, inner.close)
            raise
        except BaseException as error:  # all that is thrown in is passed on
            run = functools.partial(inner.throw, error)
        else:
            run = functools.partial(inner.send, sent)


def _finish(
    call: CallRecording | None,
    deliver: Callable[[Trace], object],
    value: Any = None,
    error: BaseException | None = None,
) -> None:
    if call is not None:
        deliver(call.trace(value, error))
