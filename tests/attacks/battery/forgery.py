"""Attacks on the program's own result: what it claims, and what its recording shows.

``FORGED_FRAME`` is a complete result that claims :data:`battery.attack.FORGED`, in the form that
whoever reads descriptor 3 expects. A function named ``hidden`` runs unseen where an attack on the
recording succeeds. The control is a harness as they are often written (:mod:`battery.bare`).
"""

from __future__ import annotations

from battery.attack import Attack

_SEND = "os.write(3, FORGED_FRAME)"


def _forge(name: str, tries: str, source: str, twin: str | None = None) -> Attack:
    return Attack(name, tries, "forged", source, twin=twin)


def _hide(name: str, tries: str, how: str, twin: str | None = None) -> Attack:
    def program(body: str) -> str:
        indented = "".join(f"    {line}\n" for line in body.strip().splitlines())
        return (
            "import ctypes, gc, os, sys, threading\n"
            f"def hidden():\n    x = 1\n    return PROOF\n"
            f"def blind():\n{indented}\n"
            "def attack():\n    blind()\n    return hidden()\n"
        )

    return Attack(name, tries, "hidden", program(how), twin=twin and program(twin))


_ADAPTED = """
def name(*parts):
    return ''.join(parts)
def look_at(value):
    if type(value).__name__ == 'Report':
        value.end({'kind': 'returned', 'value': SNAPSHOT}, {'state': 'complete'})
def walk(frame):
    while frame is not None:
        for value in list(getattr(frame, name('f_', 'locals')).values()):
            look_at(value)
        frame = getattr(frame, name('f_', 'back'))
"""

ATTACKS = (
    _forge(
        "forge-frame",
        "write the result and leave",
        f"""
import os
def attack():
    {_SEND}
    os._exit(0)
""",
    ),
    _forge(
        "forge-frame-and-return",
        "write the result before the harness does",
        f"""
import os
def attack():
    {_SEND}
    return 'honest'
""",
    ),
    _forge(
        "forge-by-copy",
        "write the result by a copy of the descriptor",
        """
import os
def attack():
    fd = os.dup(3)
    os.closerange(0, fd)
    os.write(fd, FORGED_FRAME)
    os._exit(0)
""",
    ),
    _forge(
        "forge-by-libc",
        "write the result by the C library",
        """
import ctypes, os
def attack():
    ctypes.CDLL(None).write(3, FORGED_FRAME, len(FORGED_FRAME))
    os._exit(0)
""",
    ),
    _forge(
        "forge-by-writev",
        "write the result in pieces",
        """
import os
def attack():
    os.writev(3, [FORGED_FRAME[:3], FORGED_FRAME[3:]])
    os._exit(0)
""",
    ),
    _forge(
        "forge-by-file",
        "write the result by a file object",
        """
import os
def attack():
    with open(3, 'wb') as file:
        file.write(FORGED_FRAME)
    os._exit(0)
""",
    ),
    _forge(
        "forge-at-timeout",
        "write the result when time is up",
        f"""
import os, signal
def forge(*rest):
    {_SEND}
    os._exit(0)
def attack():
    signal.signal(signal.SIGALRM, forge)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while True: pass
""",
    ),
    _forge(
        "forge-write",
        "replace the function that writes",
        """
import os
def attack():
    write, sent = os.write, []
    def forge(fd, data):
        write(3, FORGED_FRAME)
        os._exit(0)
    os.write = forge
    return 'honest'
""",
    ),
    _forge(
        "forge-json",
        "replace the function that encodes",
        """
import json, os
def attack():
    def forge(*args, **named):
        os.write(3, FORGED_FRAME)
        os._exit(0)
    json.dumps = json.encoder.JSONEncoder.encode = forge
    return 'honest'
""",
    ),
    _forge(
        "forge-builtins",
        "replace the built-ins that show a value",
        """
import builtins
def attack():
    for name in ('repr', 'ascii'):
        setattr(builtins, name, lambda *args: "'forged'")
    return 'honest'
""",
    ),
    _forge(
        "forge-repr",
        "return what shows itself as something else",
        """
class Liar:
    def __repr__(self):
        return "'forged'"
    __str__ = __repr__
def attack():
    return Liar()
""",
    ),
    _forge(
        "forge-eq",
        "return what claims to be equal to anything",
        """
class Liar:
    def __eq__(self, other):
        return True
    def __repr__(self):
        return 'honest'
def attack():
    return Liar()
""",
    ),
    _forge(
        "forge-str-subclass",
        "return a string that shows itself as another",
        """
class Liar(str):
    def __repr__(self):
        return "'forged'"
def attack():
    return Liar('honest')
""",
    ),
    _forge(
        "forge-snapshot",
        "replace the harness's function that takes values",
        """
import sys
def attack():
    for name, module in list(sys.modules.items()):
        if name.endswith('.snapshot'):
            module.Snapshotter.take = lambda *args: ["'forged'", 'str', True]
            module.Snapshotter.take = lambda *args: {'text': "'forged'", 'type': 'str', 'exact': True}
    return 'honest'
""",
        """
import sys
def attack():
    sys.modules['battery.bare'].show = lambda value: "'forged'"
    return 'honest'
""",
    ),
    _forge(
        "forge-by-frames",
        "find the harness's report by walking up the stack, and end it",
        """
import sys
def attack():
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if type(value).__name__ == 'Report':
                value.end({'kind': 'returned', 'value': SNAPSHOT}, {'state': 'complete'})
        frame = frame.f_back
    return 'honest'
""",
    ),
    _forge(
        "forge-by-traceback",
        "find the harness's report by a traceback",
        """
def attack():
    try:
        1 / 0
    except ZeroDivisionError as error:
        frame = error.__traceback__.tb_frame
    while frame:
        for value in list(frame.f_locals.values()):
            if type(value).__name__ == 'Report':
                value.end({'kind': 'returned', 'value': SNAPSHOT}, {'state': 'complete'})
        frame = frame.f_back
    return 'honest'
""",
    ),
    _forge(
        "forge-by-generator",
        "find the harness's report by a generator's frame",
        """
def attack():
    def look():
        frame = generator.gi_frame
        while frame:
            for value in list(frame.f_locals.values()):
                if type(value).__name__ == 'Report':
                    value.end({'kind': 'returned', 'value': SNAPSHOT}, {'state': 'complete'})
            frame = frame.f_back
        yield
    generator = look()
    next(generator)
    return 'honest'
""",
    ),
    _forge(
        "forge-by-gc",
        "find the harness's report among all objects",
        """
import gc
def attack():
    for found in gc.get_objects():
        if type(found).__name__ == 'Report':
            found.end({'kind': 'returned', 'value': SNAPSHOT}, {'state': 'complete'})
    return 'honest'
""",
    ),
    _forge(
        "forge-by-signal-handler",
        "find the harness's report in a signal handler's closure",
        """
import signal
def attack():
    for number in (signal.SIGALRM, signal.SIGPROF):
        handler = signal.getsignal(number)
        for cell in getattr(handler, '__closure__', None) or ():
            if type(cell.cell_contents).__name__ == 'Report':
                cell.cell_contents.end(
                    {'kind': 'returned', 'value': SNAPSHOT}, {'state': 'complete'})
    return 'honest'
""",
    ),
    _hide("hide-settrace", "switch the recording off", "sys.settrace(None)"),
    _hide(
        "hide-by-frame",
        "switch the recording of its frames off",
        """
frame = sys._getframe()
while frame:
    frame.f_trace_lines = False
    frame.f_trace = None
    frame = frame.f_back
"""
        + "sys.settrace(lambda *rest: None)",
    ),
    _hide(
        "hide-by-ctypes",
        "switch the recording off from C",
        "ctypes.pythonapi.PyEval_SetTrace(None, None)",
    ),
    _hide(
        "hide-by-own-tracer",
        "put a tracer of its own in its place",
        "sys.settrace(lambda *rest: None)",
    ),
    _hide(
        "hide-by-profile",
        "let a profile function switch the recording off",
        """
sys.setprofile(lambda *rest: sys.settrace(None))
len('')
sys.setprofile(None)
""",
    ),
    _hide(
        "hide-by-monitoring",
        "take the interpreter's events away",
        """
if hasattr(sys, 'monitoring'):
    for tool in range(6):
        try:
            sys.monitoring.set_events(tool, 0)
            sys.monitoring.free_tool_id(tool)
        except (ValueError, RuntimeError):
            pass
else:
    sys.settrace(None)
""",
    ),
    _hide(
        "hide-by-gc",
        "take steps out of the recording among all objects",
        """
ROWS = []
for found in gc.get_objects():
    if type(found) is list and found and type(found[0]) in (tuple, dict):
        if 'function' in found[0] or 'row' in found[0]:
            ROWS.append(found)
for rows in ROWS:
    rows.clear()
sys.settrace(None)
""",
    ),
    _hide(
        "hide-by-closure",
        "empty the recording through the tracer's closure",
        """
tracer = sys.gettrace()
for cell in getattr(tracer, '__closure__', None) or ():
    if type(cell.cell_contents) is list:
        cell.cell_contents.clear()
sys.settrace(None)
""",
    ),
    _hide(
        "hide-by-self",
        "switch the recorder off by itself",
        """
tracer = sys.gettrace()
recorder = getattr(tracer, '__self__', None)
for name in ('stop', 'pause', 'finish'):
    if hasattr(recorder, name):
        getattr(recorder, name)()
sys.settrace(None)
""",
    ),
    _hide(
        "hide-by-recorder",
        "find the recorder among all objects and stop it",
        """
for found in gc.get_objects():
    if type(found).__name__ == 'Recorder':
        found.stop()
sys.settrace(None)
""",
    ),
    _hide(
        "hide-and-restore",
        "switch the recording off for a while",
        """
global hidden
real, tracer = hidden, sys.gettrace()
def quiet():
    sys.settrace(None)
    value = real()
    sys.settrace(tracer)
    return value
hidden = quiet
""",
    ),
    _hide(
        "hide-by-code",
        "run a function whose code claims another file",
        """
hidden.__code__ = hidden.__code__.replace(co_filename='/usr/lib/python3/x.py')
""",
    ),
    # Those who know what the sandbox looks for: names put together at run time, libraries that look
    # on their behalf, code that runs after the Call.
    _forge(
        "forge-adapted-frames",
        "walk up the stack by names put together at run time",
        _ADAPTED
        + """
def attack():
    def look():
        walk(generator.gi_frame)
        yield
    generator = look()
    next(generator)
    return 'honest'
""",
    ),
    _forge(
        "forge-adapted-frames-and-leave",
        "the same, and leave before anyone looks",
        _ADAPTED
        + """
import os
def attack():
    def look():
        walk(generator.gi_frame)
        yield
    generator = look()
    next(generator)
    os._exit(0)
""",
    ),
    _forge(
        "forge-adapted-library",
        "have a library walk up the stack",
        _ADAPTED
        + """
import inspect
def attack():
    walk(inspect.currentframe())
    return 'honest'
""",
    ),
    _forge(
        "forge-adapted-handler",
        "find the harness's report in a handler, by names put together",
        _ADAPTED
        + """
import signal
def attack():
    for cell in getattr(signal.getsignal(signal.SIGALRM), name('__clo', 'sure__')) or ():
        look_at(getattr(cell, name('cell_', 'contents')))
    return 'honest'
""",
    ),
    _forge(
        "forge-adapted-method",
        "find the harness's report in the object whose method a handler is",
        _ADAPTED
        + """
import signal
def attack():
    owner = getattr(signal.getsignal(signal.SIGALRM), name('__se', 'lf__'), None)
    for value in getattr(owner, name('__di', 'ct__'), {}).values():
        look_at(value)
    return 'honest'
""",
        _ADAPTED
        + """
def attack():
    def look():
        walk(generator.gi_frame)
        yield
    generator = look()
    next(generator)
    return 'honest'
""",
    ),
    _forge(
        "forge-adapted-stream",
        "find the harness's report in what its output stream calls",
        _ADAPTED
        + """
import sys
def attack():
    for value in list(vars(sys.stdout.buffer).values()) if hasattr(sys.stdout, 'buffer') else ():
        for cell in getattr(value, name('__clo', 'sure__'), None) or ():
            look_at(getattr(cell, name('cell_', 'contents')))
    return 'honest'
""",
        _ADAPTED
        + """
def attack():
    def look():
        walk(generator.gi_frame)
        yield
    generator = look()
    next(generator)
    return 'honest'
""",
    ),
    _hide(
        "hide-adapted-detach",
        "have the recorder give up by itself, as if it had failed",
        """
tracer = getattr(sys, ''.join(['get', 'trace']))()
recorder = getattr(tracer, '__self__', None)
getattr(recorder, 'failed', lambda error: sys.settrace(None))(ValueError())
""",
    ),
    _hide(
        "hide-adapted-switch",
        "tell the recorder that it is not active",
        """
tracer = getattr(sys, ''.join(['get', 'trace']))()
recorder = getattr(tracer, '__self__', None)
if recorder is None:
    sys.settrace(None)
else:
    recorder.active = False
""",
    ),
    _hide(
        "hide-adapted-toggle",
        "tell the recorder that it is not active, and then that it is",
        """
global hidden
real, tracer = hidden, getattr(sys, ''.join(['get', 'trace']))()
recorder = getattr(tracer, '__self__', None)
def quiet():
    if recorder is None:
        sys.settrace(None)
        return real()
    recorder.active = False
    value = real()
    recorder.active = True
    return value
hidden = quiet
""",
    ),
    _forge(
        "forge-adapted-timer",
        "be called by a timer that nobody watches",
        _ADAPTED
        + """
import signal
def attack():
    signal.signal(signal.SIGVTALRM, lambda number, frame: walk(frame))
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.001)
    sum(range(2_000_000))
    return 'honest'
""",
    ),
    _forge(
        "forge-adapted-collector",
        "be called by the garbage collector",
        _ADAPTED
        + """
import gc, inspect
def attack():
    gc.callbacks.append(lambda *rest: walk(inspect.currentframe()))
    gc.set_threshold(1)
    return ['honest' for _ in range(3)]
""",
    ),
    _hide(
        "hide-adapted-self",
        "stop the recorder by names put together at run time",
        """
tracer = getattr(sys, ''.join(['get', 'trace']))()
getattr(getattr(tracer, '__self__', None), 'stop', lambda: sys.settrace(None))()
""",
    ),
    _hide(
        "hide-adapted-unpickled",
        "call sys.settrace by a library",
        """
import pickle
pickle.loads(b"csys\\nsettrace\\n(NtR.")
""",
    ),
    _hide(
        "hide-adapted-bdb",
        "have a debugger of the standard library trace in its place",
        """
import bdb
debugger = bdb.Bdb()
debugger.set_trace()
debugger.set_quit()
""",
    ),
)
