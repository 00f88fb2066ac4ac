"""Attacks by the network. The listeners are the test's own, on loopback and in its own folder."""

from __future__ import annotations

from battery.attack import Attack


def _socket(name: str, tries: str, body: str) -> Attack:
    indented = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return Attack(name, tries, "contact", f"import socket as s\ndef attack():\n{indented}")


ATTACKS = (
    _socket("tcp-connect", "connect by TCP", "s.create_connection(('127.0.0.1', TCP), 1)"),
    _socket(
        "tcp-mptcp",
        "connect by multipath TCP, which Landlock does not know",
        "s.socket(s.AF_INET, s.SOCK_STREAM, 262).connect(('127.0.0.1', TCP))",
    ),
    _socket(
        "tcp-fast-open",
        "connect by sending, without a connect",
        "s.socket().sendto(b'x', 0x20000000, ('127.0.0.1', TCP))",
    ),
    _socket(
        "tcp-nonblocking",
        "connect without waiting",
        "c = s.socket()\nc.setblocking(False)\n"
        "if c.connect_ex(('127.0.0.1', TCP)) == 115:\n    import time\n    time.sleep(0.05)",
    ),
    _socket(
        "tcp-http",
        "ask a web server",
        "import urllib.request\nurllib.request.urlopen(f'http://127.0.0.1:{TCP}/', timeout=0.2)",
    ),
    _socket(
        "tcp-asyncio",
        "connect from an event loop",
        "import asyncio\nasyncio.run(asyncio.open_connection('127.0.0.1', TCP))",
    ),
    _socket(
        "udp-send",
        "send a datagram",
        "s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', UDP))",
    ),
    _socket(
        "udp-connected",
        "send a datagram by write",
        "import os\nc = s.socket(s.AF_INET, s.SOCK_DGRAM)\nc.connect(('127.0.0.1', UDP))\n"
        "os.write(c.fileno(), b'x')",
    ),
    _socket(
        "unix-path", "connect to a UNIX socket in a folder", "s.socket(s.AF_UNIX).connect(UNIX)"
    ),
    _socket(
        "unix-datagram",
        "send to a UNIX socket in a folder",
        "s.socket(s.AF_UNIX, s.SOCK_DGRAM).sendto(b'x', UNIX + '-datagram')",
    ),
    _socket(
        "unix-abstract",
        "connect to an abstract UNIX socket",
        "s.socket(s.AF_UNIX).connect(ABSTRACT)",
    ),
    _socket(
        "inherited-socket",
        "write to whatever connection the caller left open",
        "import os\nfor fd in range(4, 64):\n    try:\n        os.write(fd, b'x')\n"
        "    except OSError:\n        pass",
    ),
    _socket(
        "socket-by-number",
        "connect by system calls alone",
        "import ctypes, struct\nc = ctypes.CDLL(None)\nfd = c.syscall(NR['socket'], 2, 1, 0)\n"
        "a = struct.pack('=HH', 2, s.htons(TCP)) + bytes([127, 0, 0, 1]) + bytes(8)\n"
        "return c.connect(fd, a, 16)",
    ),
    Attack(
        "tcp-listen",
        "wait for connections",
        "proof",
        """
import socket
def attack():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return PROOF
""",
    ),
    Attack(
        "netlink",
        "ask the kernel about the network",
        "proof",
        """
import socket
def attack():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.bind((0, 0))
        return PROOF
""",
    ),
    Attack(
        "raw-socket",
        "forge packets",
        "proof",
        """
import socket
def attack():
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 1):
        return PROOF
""",
        uncontrolled="only root may",
    ),
    Attack(
        "packet-socket",
        "listen to the wire",
        "proof",
        """
import socket
def attack():
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW):
        return PROOF
""",
        uncontrolled="only root may",
    ),
    Attack(
        "socket-pair",
        "have two sockets that are connected",
        "proof",
        """
import socket
def attack():
    return PROOF if socket.socketpair() else None
""",
    ),
)
