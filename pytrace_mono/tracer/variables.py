"""The variables of one activation: what they were at the last look, and what changed since.

What is found to have changed is kept for the step of the line that did it, which
:class:`pytrace_mono.tracer.activation.Activation` writes. No code of the program is run here.
"""

from __future__ import annotations

from operator import is_
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from pytrace_mono.tracer.classes import ident
from pytrace_mono.tracer.copies import Copy, is_atomic, is_same, renewed
from pytrace_mono.tracer.kept import BUILTINS
from pytrace_mono.tracer.opcodes import MISSING, Function, Opcodes
from pytrace_mono.tracer.watch import Large, Outline

if TYPE_CHECKING:
    from pytrace_mono.tracer.recorder import Recorder

__builtins__ = BUILTINS

CLASS_NAMES = frozenset(
    {
        "__module__",
        "__qualname__",
        "__firstlineno__",
        "__static_attributes__",
        "__classdict__",
        "__classcell__",
        "__annotations__",
        "__annotate__",
        "__conditional_annotations__",
        "__builtins__",
    }
)
"""Names that the interpreter binds in module and class bodies on its own account."""
_EXACT = '"exact": true}'


class Seen:
    """What is remembered of a value that is not made wholly of exact built-in types, or too large.

    Attributes:
        held: the value's id; a reference would delay the program's ``__del__``.
        outline: by which a change is noticed; None where there is too much to remember, so that the
            text has to do, and :class:`Large` where the text and the size have to.
    """

    __slots__ = ("held", "outline")

    def __init__(self, held: int, outline: Outline | Large | None) -> None:
        self.held = held
        self.outline = outline


class Notes:
    """Of one step, names, as in :class:`pytrace_mono.tracer.types.Step`."""

    __slots__ = ("beyond", "deleted", "unchecked")

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.beyond: list[str] = []
        self.unchecked: list[str] = []


CHANGEABLE = frozenset({list, dict, Copy, Seen})
"""Types of what is remembered of a value that can change itself."""


class Variables:
    """What is known of one activation's variables.

    Attributes:
        is_plain: all that the frame was ever seen to reach is made of exact built-in types.
        is_proven: what the proof in :mod:`pytrace_mono.tracer.effects` rests on was so when every
            variable was last looked at.
        is_told: something was found since the step began.
        changes: the variables that were found to have changed since the step began, each as the JSON of
            its name and value.
        notes: what else was found, which is nothing nearly always.
    """

    __slots__ = (
        "_last",
        "_last_globals",
        "_namespace",
        "_shown",
        "changes",
        "function",
        "is_plain",
        "is_proven",
        "is_told",
        "notes",
        "opcodes",
        "recorder",
    )

    recorder: Recorder
    function: Function
    opcodes: Opcodes
    is_plain: bool
    is_proven: bool
    is_told: bool
    changes: dict[str, str]
    notes: Notes | None
    _namespace: Any
    _last: dict[str, Any]
    """By name: an atomic value or a flat tuple itself, the copy of any other value that is made of exact
    built-in types, a :class:`Seen`, or :data:`MISSING`."""
    _last_globals: dict[str, Any]
    """The same for globals; that of the code object, which all share, until there is one to remember."""
    _shown: dict[str, str]

    def forget_changes(self) -> None:
        """What is found to have changed from here on belongs to another step."""
        self.changes.clear()
        self.notes = None
        self.is_told = False

    def meet(self, frame: FrameType) -> None:
        """The first look, in a function that has but its arguments; only these are said to be new."""
        opcodes = self.opcodes
        self.is_proven = True
        if opcodes.globals:
            self.is_proven = self._compare_globals(frame)
            if self.is_told:
                self.forget_changes()
        visible = frame.f_locals
        last = self._last
        for name in opcodes.arguments:
            value = visible[name]
            kind = type(value)
            if kind is int or kind is str:
                last[name] = value
                self._shown[name] = text = self.recorder.fragment(value)
                self.changes[name] = opcodes.labels[name] + text
            else:
                self._look(name, value, MISSING, last)
        self.is_proven = self.is_proven and self.is_plain and self.recorder.suspects is None

    def compare(self, frame: FrameType) -> None:
        """Look at every variable."""
        opcodes = self.opcodes
        if not opcodes.is_function:
            self._compare_namespace(frame)
            return
        last = self._last
        if last:
            self._compare_locals(frame, last)
        self.is_proven = (
            (not opcodes.globals or self._compare_globals(frame))
            and self.is_plain
            and self.recorder.suspects is None
        )

    def _compare_locals(self, frame: FrameType, last: dict[str, Any]) -> None:
        opcodes = self.opcodes
        visible = frame.f_locals
        items: Any = visible.items()
        if opcodes.has_hidden:
            items = iter(items)
            next(items)
        while True:
            try:
                for name, value in items:
                    old = last[name]
                    if value is old:
                        continue
                    kind = type(old)
                    now = None
                    if kind is list:
                        if (
                            type(value) is list
                            and len(value) == len(old)
                            and all(map(is_, old, value))
                        ):
                            continue
                    elif kind is dict:
                        if (
                            type(value) is dict
                            and len(value) == len(old)
                            and all(map(is_, old, value))
                            and all(map(is_, old.values(), value.values()))
                        ):
                            continue
                    elif kind is Copy:
                        if old.kind is set:
                            if (
                                type(value) is set
                                and len(value) == len(old.items)
                                and all(map(is_, old.items, value))
                            ):
                                continue
                        else:
                            now = renewed(old, value)
                            if now is old:
                                continue
                    self._look(name, value, old, last, now)
                break
            except KeyError:
                if type(items) is list:
                    raise
                items = _own_items(visible, last)
        if opcodes.can_lose:
            for name, old in last.items():
                if old is not MISSING and name not in visible:
                    last[name] = MISSING
                    self._gone(name)

    def _compare_globals(self, frame: FrameType) -> bool:
        """Look at every global, and at the built-ins that are counted on: are they the real ones?"""
        namespace, standard = frame.f_globals, frame.f_builtins
        opcodes = self.opcodes
        last = self._last_globals
        # exec() takes subclasses, with methods of their own.
        is_usual = type(namespace) is dict and type(standard) is dict
        if is_usual:
            for name, builtin in opcodes.counted_on:
                if name in namespace or standard.get(name) is not builtin:
                    is_usual = False
                    break
        names = opcodes.globals
        if is_usual and last is opcodes.unseen_globals:
            names = opcodes.other_globals
        for name, is_written in names:
            value = dict.get(namespace, name, MISSING)
            old = last[name]
            if value is old:
                continue
            if old is MISSING:
                kind = type(value)
                if not is_written and (kind is FunctionType or _is_vocabulary(kind)):
                    continue
            elif type(old) in CHANGEABLE and is_same(old, value):
                continue
            if last is opcodes.unseen_globals:
                last = self._last_globals = last.copy()
            if value is MISSING:
                last[name] = MISSING
                self._gone(name)
            else:
                self._look(name, value, old, last)
        return is_usual

    def compare_bound(self, frame: FrameType, names: tuple[str, ...]) -> bool:
        """Look at these variables, where it is known that nothing else can have changed.

        Returns:
            False where it is not: ``x += y`` changes what x was, where that is no number or string, and
            to let go of an object may do anything.
        """
        visible = frame.f_locals
        last = self._last
        for name in names:
            value = visible.get(name, MISSING)
            old = last[name]
            if value is not old:
                if type(old) in CHANGEABLE or value is MISSING:
                    return False
                self._look(name, value, old, last)
        return True

    def _compare_namespace(self, frame: FrameType) -> None:
        """The same for the body of a module or class."""
        # Asked for once, at the first event: from 3.12 on, a comprehension in a module's body keeps
        # its variables in the frame, and asking then damages them (3.12) or gives a view (3.13).
        if self._namespace is None:
            self._namespace = frame.f_locals
        namespace = self._namespace
        last = self._last
        visible: dict[str, Any] = {}
        if issubclass(type(namespace), dict):
            # By dict itself, because __prepare__ and exec() may bring a subclass; dict.copy() asks
            # a subclass for its keys().
            for name, value in list(dict.items(namespace)):
                if type(name) is str and name not in CLASS_NAMES and name.isidentifier():
                    visible[name] = value
        else:
            self.recorder.mark(
                "truncated", f"{self.function.name} keeps its names in a mapping that has code"
            )
        if namespace is not frame.f_globals:
            for name, is_written in self.opcodes.globals:
                value = dict.get(frame.f_globals, name, MISSING)
                if value is not MISSING and (
                    is_written or name in last or not _is_vocabulary(type(value))
                ):
                    visible[name] = value
        for name, value in visible.items():
            old = last.get(name, MISSING)
            if value is not old and not (type(old) in CHANGEABLE and is_same(old, value)):
                self._look(name, value, old, last)
        if len(visible) < len(last):
            for name in [name for name in last if name not in visible]:
                self._gone(name)
                del last[name]

    def _look(
        self, name: str, value: Any, old: Any, last: dict[str, Any], now: Copy | None = None
    ) -> None:
        """Compare one variable, which may have changed, and remember it.

        Args:
            old: what is remembered of it.
            last: where that is.
            now: the copy that is right, if ``old`` was found not to be.
        """
        recorder = self.recorder
        text: str | None
        new = value
        kind = type(value)
        if kind is int or kind is str or (kind is not list and is_atomic(kind)):
            text = recorder.fragment(value)
        else:
            before = old
            if type(old) is Seen:
                before = old.outline if old.held == ident(value) else None
            new, text = recorder.known.look(value, before, now)
            if text is None:
                return
            if new is None or type(new) is Outline or type(new) is Large:
                if type(new) is not Large or not new.is_plain:
                    self.is_plain = self.is_proven = False
                new = Seen(ident(value), new)
        last[name] = new
        if text != self._shown.get(name):
            self._shown[name] = text
            self.changes[name] = self.opcodes.labels[name] + text
            self.is_told = True
            if self.notes is not None and name in self.notes.deleted:
                self.notes.deleted.remove(name)
        elif not text.endswith(_EXACT):
            # The text is the same but not all there is: is the value behind it another one?
            self.is_told = True
            if type(new) is Seen and type(old) is Seen and _looks_the_same(old, new):
                names = self._noted().unchecked
            else:
                self.changes[name] = self.opcodes.labels[name] + text
                names = self._noted().beyond
            if name not in names:
                names.append(name)

    def _gone(self, name: str) -> None:
        self._shown.pop(name, None)
        self.changes.pop(name, None)
        self._noted().deleted.append(name)
        self.is_told = True

    def _noted(self) -> Notes:
        if self.notes is None:
            self.notes = Notes()
        return self.notes


def _own_items(visible: Any, last: dict[str, Any]) -> list[tuple[str, Any]]:
    """Without names that the program put into the dict of its locals; apart from where it is needed,
    because a comprehension would make cells of the variables there (until 3.11)."""
    return [item for item in visible.items() if item[0] in last]


def _looks_the_same(before: Seen, now: Seen) -> bool:
    """Is it the same value, of which there is too much to tell whether it has changed?"""
    if before.held != now.held:
        return False
    if type(now.outline) is Large:
        return type(before.outline) is Large and before.outline.size == now.outline.size
    return now.outline is None and before.outline is None


def _is_vocabulary(kind: type) -> bool:
    """Globals that are functions, classes or modules are what a program is written in, not its data."""
    return (
        kind is FunctionType
        or kind is BuiltinFunctionType
        or kind is ModuleType
        or issubclass(kind, type)
    )
