"""Attacks that try to be there after their time."""

from __future__ import annotations

from battery.attack import Attack

_DAEMON = """
import os, signal, time
def attack():
    if os.fork() == 0:
        os.setsid()
        {ignoring}
        if os.fork() == 0:
            time.sleep(20)
        os._exit(0)
    time.sleep(0.05)
"""


def _ignoring(name: str, tries: str, first: str) -> Attack:
    source = f"import os, signal, sys\n{first}\ndef attack():\n    while True: pass\n"
    return Attack(name, tries, "late", source, hasty=True)


ATTACKS = (
    Attack("daemon", "leave a daemon behind", "survivor", _DAEMON.format(ignoring="pass")),
    Attack(
        "daemon-deaf",
        "leave a daemon that ignores signals",
        "survivor",
        _DAEMON.format(ignoring="[signal.signal(s, signal.SIG_IGN) for s in (1, 2, 13, 15)]"),
    ),
    Attack(
        "daemon-in-group",
        "leave a background process",
        "survivor",
        """
import os, time
def attack():
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
""",
    ),
    Attack(
        "daemon-by-shell",
        "leave a shell's background process",
        "survivor",
        """
import os
def attack():
    os.system('sleep 20 &')
""",
    ),
    Attack(
        "daemon-by-spawn",
        "leave a program in a session of its own",
        "survivor",
        """
import subprocess
def attack():
    subprocess.Popen(['/bin/sleep', '20'], start_new_session=True)
""",
    ),
    _ignoring("deaf-to-timer", "ignore the timer", "signal.signal(signal.SIGALRM, signal.SIG_IGN)"),
    _ignoring(
        "without-timer",
        "switch the timers off",
        "[signal.setitimer(t, 0) for t in (signal.ITIMER_REAL, signal.ITIMER_PROF)]",
    ),
    _ignoring(
        "deaf-to-everything",
        "ignore every signal that can be ignored",
        "[signal.signal(s, signal.SIG_IGN) for s in range(1, 32) if s not in (9, 17, 19)]",
    ),
    _ignoring(
        "blocked-signals",
        "block every signal",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))",
    ),
    _ignoring(
        "own-handler", "answer the timer itself", "signal.signal(signal.SIGALRM, lambda *a: None)"
    ),
    _ignoring(
        "stopped",
        "stop itself, so that no signal is handled",
        "os.kill(os.getpid(), signal.SIGSTOP)",
    ),
    Attack(
        "at-exit",
        "run on at the interpreter's end",
        "late",
        """
import atexit
def for_ever():
    while True: pass
def attack():
    atexit.register(for_ever)
""",
        hasty=True,
    ),
    Attack(
        "at-exit-file",
        "write a file at the interpreter's end",
        "decoys",
        """
import atexit
def attack():
    atexit.register(lambda: open(KEPT, 'w').write('x'))
""",
    ),
    Attack(
        "at-deletion",
        "run on when its values are deleted",
        "late",
        """
class Last:
    def __del__(self):
        while True: pass
def attack():
    global last
    last = Last()
    del last
""",
        hasty=True,
    ),
)
