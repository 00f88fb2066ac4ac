"""Which places hold the same mutable object, told by labels that a Trace gives out.

At one moment two places with the same address hold the same object. From one moment to the next an
address proves nothing: the object may be gone and another one be there. No reference is kept to find
out, because that would delay the program's ``__del__``; so a label goes on only where the object
certainly lived through the line in between:

- a weak reference to it is alive, or
- a variable that holds it is not bound by that line, or
- the line is one act, which makes what it stores before it drops what was there.

Elsewhere the object gets a new label. Looking costs a walk through all that is visible at each event,
and so is done on request only.
"""

from __future__ import annotations

import contextlib
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import FrameType, MethodType
from typing import Any

from pytrace_mono.tracer.activation import Activation
from pytrace_mono.tracer.classes import Layouts, ident
from pytrace_mono.tracer.copies import is_atomic
from pytrace_mono.tracer.kept import BUILTINS
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.places import Stores, is_mutable, slots_of
from pytrace_mono.tracer.rows import Rows
from pytrace_mono.tracer.variables import CLASS_NAMES

__builtins__ = BUILTINS

_MOST_OBJECTS = 1_000
"""Objects walked through at one event."""
_MOST_PER_STEP = 8
"""Times ``max_steps``, how many changes of labels are kept."""
_CO_OPTIMIZED = 0x1
_CO_SUSPENDS = 0x20 | 0x80 | 0x200

Key = tuple[Any, ...]
"""What tells places apart: ``("local", frame, name)``, ``("global", name)``, ``("cell", name)``, or
``("slot", address of the container, slot)``."""


class _Place:
    """A place, and how it is reached from a variable of its frame."""

    __slots__ = ("frame", "key", "path", "trail", "variable")

    def __init__(
        self, frame: _Frame, variable: Key, key: Key, path: str, trail: tuple[str, ...]
    ) -> None:
        self.frame = frame
        self.variable = variable
        self.key = key
        self.path = path
        self.trail = trail


class _Frame:
    """What is known of a frame on the stack.

    Attributes:
        places: by address of a mutable object, the places that hold it, when last looked.
        shown: by path, the label that the entries so far give it.
        state: knows the line that runs.
        namespace: that of a module's or class's body.
    """

    __slots__ = ("code", "depth", "namespace", "number", "places", "shown", "state", "variables")

    def __init__(self, state: Activation, frame: FrameType, shown: dict[str, int]) -> None:
        self.state = state
        self.number = state.number
        self.depth = state.depth
        self.code = frame.f_code
        # Asked for once: see Activation._settle_namespace.
        self.namespace = None if self.code.co_flags & _CO_OPTIMIZED else frame.f_locals
        self.shown = shown
        self.places: dict[int, dict[Key, _Place]] = {}
        self.variables: list[tuple[str, int]] = []

    def sees(self, variable: Key) -> bool:
        """Is this global or closure variable one of the frame's?"""
        kind, name = variable[0], variable[-1]
        if kind == "cell":
            return name in self.code.co_cellvars or name in self.code.co_freevars
        return not self.code.co_flags & _CO_OPTIMIZED or name in self.code.co_names


class _Callers:
    """The recorded frames that a frame was called from, found when they are asked for."""

    def __init__(self, frame: FrameType) -> None:
        self._innermost = frame
        self._found: dict[int, FrameType] | None = None

    def find(self, number: int) -> FrameType | None:
        if self._found is None:
            self._found = {}
            frame = self._innermost.f_back
            while frame is not None:
                method = frame.f_trace
                if type(method) is MethodType and type(method.__self__) is Activation:
                    self._found.setdefault(method.__self__.number, frame)
                frame = frame.f_back
        return self._found.get(number)


class _Label:
    __slots__ = ("number", "reference")

    def __init__(self, number: int, value: Any) -> None:
        self.number = number
        self.reference: weakref.ref[Any] | None = None
        with contextlib.suppress(TypeError):  # lists, dicts and instances with slots admit none
            self.reference = weakref.ref(value)


class Aliases:
    """Looks at each event of a recorded frame, and notes how labels change.

    Args:
        limits: as far as values are shown, they are walked.
        layouts: knows how to read instances.
        rows: of the recording, whose length says after which step a change was seen.
        on_limit: called with a reason when no more changes are kept.

    Attributes:
        entries: ``[after, frame, place, label]``, as in the Trace.
    """

    def __init__(
        self, limits: Limits, layouts: Layouts, rows: Rows, on_limit: Callable[[str], object]
    ) -> None:
        self._limits = limits
        self._layouts = layouts
        self._rows = rows
        self._on_limit = on_limit
        self._most = _MOST_PER_STEP * limits.max_steps
        self._is_full = False
        self._stack: list[_Frame] = []
        self._suspended: dict[int, dict[str, int]] = {}
        # Places of all frames on the stack but the innermost.
        self._outer: dict[int, dict[tuple[int, Key], _Place]] = {}
        self._labels: dict[int, _Label] = {}
        self._given = 0
        self._stores: dict[int, Stores] = {}
        self.entries: list[list[Any]] = []

    def look(
        self,
        state: Activation,
        frame: FrameType,
        bound: tuple[str, ...] | None = None,
        entered: bool = False,
    ) -> None:
        """Find what is the same now.

        Args:
            state: of the frame.
            bound: the variables that the line that has run can have bound, if it can have done nothing
                else.
            entered: the frame has just begun or goes on.
        """
        if self._is_full:
            return
        lost = self._arrive(state, frame)
        own = self._stack[-1]
        values = list(self._variables(own, state, frame))
        variables = [(place.path, ident(value)) for place, value in values]
        is_same = not lost and variables == own.variables
        if is_same and bound is not None and all(name not in bound for name, _ in variables):
            return
        caller = self._stack[-2] if len(self._stack) > 1 else None
        before, own.places = own.places, {}
        own.variables = variables
        objects = self._walk(own, values)
        if not entered:
            lost.update(self._forget_unproven(own, bound, before))
        elif caller is not None:
            lost.update(self._forget_unproven(caller, None, {}))
        self._tell(own, {**own.places, **before, **lost}, objects, _Callers(frame))
        for address in list(self._labels):
            if address not in own.places and address not in self._outer:
                del self._labels[address]

    def _arrive(self, state: Activation, frame: FrameType) -> dict[int, None]:
        """Make this frame the innermost; the addresses of which something is not known any more."""
        stack = self._stack
        lost: dict[int, None] = {}
        while stack and (stack[-1].depth > state.depth or stack[-1].number != state.number):
            top = stack[-1]
            if top.depth < state.depth:
                break
            stack.pop()
            lost.update(dict.fromkeys(top.places))
            if top.shown and top.code.co_flags & _CO_SUSPENDS:
                self._suspended[top.number] = top.shown
            if stack:
                self._set_outer(stack[-1], False)
                self._hand_on(top)
        if not stack or stack[-1].number != state.number:
            if stack:
                self._set_outer(stack[-1], True)
            shown = self._suspended.pop(state.number, {})
            stack.append(_Frame(state, frame, shown))
        return lost

    def _hand_on(self, left: _Frame) -> None:
        """What a frame has seen in globals and closure variables is true for its callers as well."""
        seen: dict[Key, list[tuple[int, _Place]]] = {}
        for address, holders in left.places.items():
            for place in holders.values():
                if place.variable[0] != "local":
                    seen.setdefault(place.variable, []).append((address, place))
        for frame in self._stack:
            for variable, found in seen.items():
                if not frame.sees(variable):
                    continue
                is_outer = frame is not self._stack[-1]
                if is_outer:
                    self._set_outer(frame, False)
                for address in list(frame.places):
                    holders = frame.places[address]
                    for key in [key for key in holders if holders[key].variable == variable]:
                        del holders[key]
                    if not holders:
                        del frame.places[address]
                for address, place in found:
                    own = _Place(frame, variable, place.key, place.path, place.trail)
                    frame.places.setdefault(address, {})[place.key] = own
                if is_outer:
                    self._set_outer(frame, True)

    def _set_outer(self, frame: _Frame, is_outer: bool) -> None:
        for address, holders in frame.places.items():
            known = self._outer.setdefault(address, {})
            for key, place in holders.items():
                if is_outer:
                    known[frame.number, key] = place
                else:
                    known.pop((frame.number, key), None)
            if not known:
                del self._outer[address]

    def _variables(
        self, own: _Frame, state: Activation, frame: FrameType
    ) -> Iterator[tuple[_Place, Any]]:
        """The variables of a frame that do not hold atomic values."""
        code = own.code
        namespace = own.namespace
        if namespace is None:
            visible = frame.f_locals
            shared = {*code.co_cellvars, *code.co_freevars}
            for name in state.opcodes.locals:
                value = visible.get(name)
                if not is_atomic(type(value)):
                    key: Key = ("cell", name) if name in shared else ("local", own.number, name)
                    yield _Place(own, key, key, name, ()), value
        elif issubclass(type(namespace), dict):
            is_module = namespace is frame.f_globals
            for name, value in list(dict.items(namespace)):
                if is_atomic(type(value)) or type(name) is not str or name in CLASS_NAMES:
                    continue
                if name.isidentifier():
                    key = ("global", name) if is_module else ("local", own.number, name)
                    yield _Place(own, key, key, name, ()), value
        if namespace is not frame.f_globals:
            for name, *_ in state.opcodes.globals:
                value = dict.get(frame.f_globals, name)
                if not is_atomic(type(value)):
                    key = ("global", name)
                    yield _Place(own, key, key, name, ()), value

    def _walk(self, own: _Frame, values: list[tuple[_Place, Any]]) -> dict[int, Any]:
        """Fill ``own.places``; the mutable objects found, by address."""
        objects: dict[int, Any] = {}
        entered: set[int] = set()
        queue = deque(values)
        most_items, most_depth = self._limits.max_items, self._limits.max_depth
        while queue:
            place, value = queue.popleft()
            address = ident(value)
            if is_mutable(value):
                own.places.setdefault(address, {})[place.key] = place
                objects[address] = value
            if address in entered or len(place.trail) >= most_depth:
                continue
            if len(entered) >= _MOST_OBJECTS:
                break
            entered.add(address)
            for slot, part in slots_of(value, self._layouts, most_items):
                path, trail = place.path + slot, (*place.trail, slot)
                key = ("slot", address, slot)
                queue.append((_Place(own, place.variable, key, path, trail), part))
        return objects

    def _forget_unproven(
        self,
        executed: _Frame,
        bound: tuple[str, ...] | None,
        before: dict[int, dict[Key, _Place]],
    ) -> dict[int, None]:
        """Drop the labels of objects that the line this frame ran may have let die; their addresses."""
        line = executed.state.line
        stores = self._stores_of(executed)

        def is_held(place: _Place) -> bool:
            kind, name = place.variable[0], str(place.variable[-1])
            if place.trail:
                return bound is not None and name not in bound
            if kind == "global" and stores.is_wild:
                return False
            is_elsewhere = kind == "local" and place.frame.number != executed.number
            return is_elsewhere or not stores.binds(line, name)

        dropped: dict[int, None] = {}
        for address, label in list(self._labels.items()):
            if label.reference is not None and label.reference() is not None:
                continue
            places = [*before.get(address, {}).values(), *self._outer.get(address, {}).values()]
            names = {str(place.variable[-1]) for place in places}
            if not any(map(is_held, places)) and stores.acts(line, names) > 1:
                del self._labels[address]
                dropped[address] = None
        return dropped

    def _tell(
        self, own: _Frame, affected: Iterable[int], objects: dict[int, Any], callers: _Callers
    ) -> None:
        """Note how the labels of these addresses have changed."""
        shown: dict[str, int] = {}
        for address in affected:
            here = own.places.get(address, {})
            value = objects.get(address)
            outer: list[_Place] = []
            for place in list(self._outer.get(address, {}).values()):
                if place.key not in here and not self._is_as_it_was(place):
                    found = self._resolve(place, callers)
                    if found is _NOTHING or ident(found) != address:
                        continue
                    value = found
                outer.append(place)
            label = self._labels.get(address)
            if len({*here, *(place.key for place in outer)}) > 1:
                if label is None:
                    self._given += 1
                    label = self._labels[address] = _Label(self._given, value)
                for place in here.values():
                    shown[place.path] = label.number
                for place in outer:
                    if place.frame.shown.get(place.path) != label.number:
                        place.frame.shown[place.path] = label.number
                        self._note(place.frame, place.path, label.number)
            else:
                for place in self._outer.get(address, {}).values():
                    if place.frame.shown.pop(place.path, None) is not None:
                        self._note(place.frame, place.path, None)
        for path in own.shown:
            if path not in shown:
                self._note(own, path, None)
        for path, number in shown.items():
            if own.shown.get(path) != number:
                self._note(own, path, number)
        own.shown = shown

    def _stores_of(self, frame: _Frame) -> Stores:
        stores = self._stores.get(ident(frame.code))
        if stores is None:
            stores = self._stores[ident(frame.code)] = Stores(frame.code)
        return stores

    def _is_as_it_was(self, place: _Place) -> bool:
        """Is it a caller's own variable, which the line that made the call does not bind?"""
        if place.trail or place.key[0] != "local":
            return False
        frame = place.frame
        return not self._stores_of(frame).binds(frame.state.line, str(place.key[-1]))

    def _resolve(self, place: _Place, callers: _Callers) -> Any:
        """What a place of a caller holds now."""
        frame = callers.find(place.frame.number)
        if frame is None:
            return _NOTHING
        name = place.variable[-1]
        if place.variable[0] == "global":
            value = dict.get(frame.f_globals, name, _NOTHING)
        elif place.frame.namespace is not None:
            value = dict.get(place.frame.namespace, name, _NOTHING)
        else:
            value = frame.f_locals.get(name, _NOTHING)
        for text in place.trail:
            if value is _NOTHING:
                break
            slots = slots_of(value, self._layouts, self._limits.max_items)
            value = next((part for own, part in slots if own == text), _NOTHING)
        return value

    def _note(self, frame: _Frame, path: str, label: int | None) -> None:
        if len(self.entries) >= self._most:
            self._is_full = True
            self._on_limit(f"more than {self._most} changes of labels")
            return
        self.entries.append([len(self._rows) - 1, frame.number, path, label])


_NOTHING: Any = object()
