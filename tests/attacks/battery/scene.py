"""What the attacks aim at, made for the run: a folder of decoys, listeners, a process. All ours."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

from battery import attack

_SET_CHILD_SUBREAPER, _SET_DEATH_SIGNAL = 36, 1
_LOOKS, _MOMENT_SECONDS = 3, 0.003


class Scene:
    """A context manager that leaves nothing behind.

    Orphans of any attack become children of this process, so that none is overlooked.
    """

    def __enter__(self) -> Scene:
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        name = f"pytrace-mono-decoys-{os.getuid()}-{os.getpid()}"
        self.folder = Path("/tmp", name)
        self.shared = Path("/dev/shm", name)
        self._secret = ctypes.create_string_buffer(attack.SECRET.encode())
        self._listen(name)
        self._furnish()
        self._victim = 0
        self._meet_victim()
        return self

    def __exit__(self, *rest: object) -> None:
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        self._end_victim()
        for listener in self._listeners.values():
            listener.close()
        for end in self._left_open:
            end.close()
        os.close(self._left_open_secret)
        shutil.rmtree(self._sockets)
        self._clear()

    def prelude(self, frame: bytes, snapshot: dict[str, Any]) -> str:
        """The names that attacks find defined, as source."""
        names = {
            "DECOYS": str(self.folder),
            "SECRET_FILE": str(self.folder / "secret"),
            "KEPT": str(self.folder / "kept"),
            "SHM": str(self.shared),
            "TCP": self._listeners["tcp"].getsockname()[1],
            "UDP": self._listeners["udp"].getsockname()[1],
            "UNIX": str(self._sockets / "stream"),
            "ABSTRACT": "\0" + self.folder.name,
            "OUTER": os.getpid(),
            "VICTIM": self._victim,
            "SECRET_ADDRESS": ctypes.addressof(self._secret),
            "SECRET_LENGTH": len(attack.SECRET),
            "PROOF": attack.PROOF,
            "NR": attack.numbers(),
            "FORGED_FRAME": frame,
            "SNAPSHOT": snapshot,
        }
        return "".join(f"{name} = {value!r}\n" for name, value in names.items())

    def signs(self) -> list[attack.Sign]:
        """What has been done to the scene since it was last looked at; everything is put back."""
        seen: list[attack.Sign] = []
        if self._state() != self._before:
            seen.append("decoys")
            self._clear()
            self._furnish()
        if self._contacted():
            seen.append("contact")
        if self._victims_state() != self._victim_before:
            seen.append("victim")
            self._end_victim()
            self._meet_victim()
        return seen

    def family(self) -> set[int]:
        """Process ids of all living descendants of this process but the victim."""
        return descendants(os.getpid()) - {self._victim}

    def running(self) -> set[int]:
        """Those of them that run on: not those that a tracer has stopped, or stops within a moment, as a
        warm parent does with the children that it restores from run to run."""
        running = self.family()
        for _ in range(_LOOKS):
            running = {pid for pid in running if _state(pid) not in "tX"}
            time.sleep(_MOMENT_SECONDS)
        return running

    def _furnish(self) -> None:
        self.folder.mkdir()
        (self.folder / "secret").write_text(attack.SECRET)
        (self.folder / "kept").write_text("kept")
        (self.folder / "empty").mkdir()
        (self.folder / "tree").mkdir()
        (self.folder / "tree" / attack.SECRET).write_text("")
        (self.folder / "decoy_module.py").write_text(f"VALUE = {attack.SECRET!r}\n")
        (self.folder / ".ssh").mkdir()
        (self.folder / ".ssh" / "id_ed25519").write_text(attack.SECRET)
        self._before = self._state()

    def _state(self) -> dict[str, tuple[int, ...]]:
        """Everything but the time of the last reading, of everything there is."""
        state = {}
        for path in [self.folder, *self.folder.rglob("*"), self.shared]:
            with contextlib.suppress(FileNotFoundError):
                at = path.lstat()
                state[str(path)] = (at.st_mode, at.st_size, at.st_ctime_ns, at.st_ino)
        return state

    def _clear(self) -> None:
        shutil.rmtree(self.folder)
        self.shared.unlink(missing_ok=True)

    def _listen(self, name: str) -> None:
        # Beside the folder of decoys, which is made anew whenever it was touched.
        self._sockets = Path("/tmp", name + "-sockets")
        self._sockets.mkdir()
        streams = {
            "tcp": (socket.AF_INET, ("127.0.0.1", 0)),
            "unix": (socket.AF_UNIX, str(self._sockets / "stream")),
            "abstract": (socket.AF_UNIX, "\0" + name),
        }
        datagrams = {
            "udp": (socket.AF_INET, ("127.0.0.1", 0)),
            "unix-datagram": (socket.AF_UNIX, str(self._sockets / "stream-datagram")),
        }
        self._listeners: dict[str, socket.socket] = {}
        for kind, where in ((socket.SOCK_STREAM, streams), (socket.SOCK_DGRAM, datagrams)):
            for label, (family, address) in where.items():
                listener = socket.socket(family, kind)
                listener.bind(address)
                if kind == socket.SOCK_STREAM:
                    listener.listen(16)
                listener.setblocking(False)
                self._listeners[label] = listener
        mine, left_open = socket.socketpair()
        mine.setblocking(False)
        left_open.set_inheritable(True)
        self._left_open = (mine, left_open)
        file = self._sockets / "secret"
        file.write_text(attack.SECRET)
        self._left_open_secret = os.open(file, os.O_RDONLY)
        os.set_inheritable(self._left_open_secret, True)

    def _contacted(self) -> bool:
        heard = False
        for listener in (*self._listeners.values(), self._left_open[0]):
            with contextlib.suppress(BlockingIOError):
                while True:
                    if listener.type == socket.SOCK_DGRAM or listener is self._left_open[0]:
                        if not listener.recv(100):
                            break
                    else:
                        listener.accept()[0].close()
                    heard = True
        return heard

    def _meet_victim(self) -> None:
        self._victim = os.fork()
        if self._victim == 0:
            os.setsid()
            os.closerange(0, 1024)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
            while True:
                signal.pause()
        while os.getsid(self._victim) != self._victim:
            time.sleep(0.001)
        self._victim_before = self._victims_state()

    def _victims_state(self) -> object:
        # A signal wakes it at once; what the signal does to it is seen when it sleeps again.
        stat = Path(f"/proc/{self._victim}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] not in "SZTt":
            time.sleep(0.001)
        if os.waitid(os.P_PID, self._victim, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return "dead"
        limits = Path(f"/proc/{self._victim}/limits").read_text()
        return (
            stat.read_text().rpartition(")")[2].split()[0],
            limits,
            os.getpriority(os.PRIO_PROCESS, self._victim),
            os.sched_getaffinity(self._victim),
            os.sched_getscheduler(self._victim),
        )

    def _end_victim(self) -> None:
        os.kill(self._victim, signal.SIGKILL)
        os.waitpid(self._victim, 0)


def _state(pid: int) -> str:
    """As ps(1) shows it; X where there is no such process any more."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def descendants(of: int) -> set[int]:
    """Process ids of all living descendants of a process."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
                if fields[0] not in "ZX":
                    children.setdefault(int(fields[1]), []).append(int(entry))
    found: set[int] = set()
    ahead = [of]
    while ahead:
        born = children.get(ahead.pop(), [])
        found.update(born)
        ahead += born
    return found
