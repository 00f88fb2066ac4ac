"""Attacks on files: everything a program could do to a decoy, or learn from one."""

from __future__ import annotations

from battery.attack import Attack, Sign


def _one(name: str, tries: str, line: str, sign: Sign = "decoys", **more: object) -> Attack:
    source = f"import os, sys\ndef attack():\n    return {line}\n"
    return Attack(name, tries, sign, source, **more)  # type: ignore[arg-type]  # the fields' own


ATTACKS = (
    _one("file-overwrite", "write over a file", "open(KEPT, 'w').write('x')"),
    _one("file-append", "write behind a file's end", "open(KEPT, 'a').write('x')"),
    _one("file-update", "write into a file", "open(KEPT, 'r+b').write(b'x')"),
    _one("file-create", "make a file", "open(DECOYS + '/new', 'x').write('x')"),
    _one("file-delete", "remove a file", "os.remove(KEPT)"),
    _one("file-truncate", "empty a file", "os.truncate(KEPT, 0)"),
    _one("file-rename", "move a file", "os.rename(KEPT, DECOYS + '/moved')"),
    _one("file-replace", "put a file in another's place", "os.replace(SECRET_FILE, KEPT)"),
    _one("file-chmod", "open a file to everyone", "os.chmod(KEPT, 0o777)"),
    _one("file-chown", "set a file's owner", "os.chown(KEPT, os.getuid(), os.getgid())"),
    _one("file-utime", "set a file's times", "os.utime(KEPT, (1, 1))"),
    _one("file-hard-link", "link a secret elsewhere", "os.link(SECRET_FILE, DECOYS + '/link')"),
    _one("file-symlink", "lay a trap of a symbolic link", "os.symlink('/x', DECOYS + '/link')"),
    _one("file-fifo", "make a named pipe", "os.mkfifo(DECOYS + '/fifo')"),
    _one("file-mknod", "make a node", "os.mknod(DECOYS + '/node')"),
    _one("folder-make", "make a folder", "os.mkdir(DECOYS + '/folder')"),
    _one("folder-remove", "remove a folder", "os.rmdir(DECOYS + '/empty')"),
    _one("folder-remove-tree", "remove a tree", "__import__('shutil').rmtree(DECOYS + '/tree')"),
    _one(
        "folder-temporary", "make a temporary folder", "__import__('tempfile').mkdtemp(dir=DECOYS)"
    ),
    _one("file-in-shared-memory", "leave a file in /dev/shm", "open(SHM, 'x').write('x')"),
    _one(
        "file-database",
        "write through SQLite's own C code",
        "__import__('sqlite3').connect(DECOYS + '/db').execute('create table t (x)')",
    ),
    _one(
        "file-by-libc",
        "write by the C library, around Python",
        "__import__('ctypes').CDLL(None).creat((DECOYS + '/c').encode(), 0o644)",
    ),
    _one("secret-read", "read a secret", "open(SECRET_FILE).read()", "secret"),
    _one(
        "secret-pread",
        "read a secret by descriptor",
        "os.pread(os.open(SECRET_FILE, os.O_RDONLY), 100, 0)",
        "secret",
    ),
    _one(
        "secret-from-folder-descriptor",
        "read a secret by way of a folder's descriptor",
        "os.read(os.open('secret', os.O_RDONLY, dir_fd=os.open(DECOYS, os.O_PATH)), 100)",
        "secret",
    ),
    _one(
        "secret-upwards",
        "read a secret by climbing out of Python's own folder",
        "open(os.path.dirname(os.__file__) + '/..' * 20 + SECRET_FILE).read()",
        "secret",
    ),
    _one("secret-key", "read a private key", "open(DECOYS + '/.ssh/id_ed25519').read()", "secret"),
    _one(
        "secret-by-import",
        "import a module that holds a secret",
        "(sys.path.insert(0, DECOYS), __import__('decoy_module').VALUE)",
        "secret",
    ),
    _one("secret-in-listing", "list a folder", "os.listdir(DECOYS + '/tree')", "secret"),
    _one(
        "secret-by-mmap",
        "map a secret into memory",
        "__import__('mmap').mmap(os.open(SECRET_FILE, os.O_RDONLY), 0, prot=1)[:]",
        "secret",
    ),
    _one(
        "secret-by-libc",
        "read a secret by the C library",
        "(b := __import__('ctypes').create_string_buffer(99), c := __import__('ctypes').CDLL(None),"
        " c.read(c.open(SECRET_FILE.encode(), 0), b, 99), b.value)",
        "secret",
    ),
    _one(
        "passwd-read",
        "read the list of users",
        "PROOF if 'root:' in open('/etc/passwd').read() else None",
        "proof",
    ),
    _one(
        "environment-own",
        "find the caller's secrets in the environment",
        "dict(os.environ)",
        "secret",
    ),
    _one(
        "environment-of-caller",
        "read the caller's environment in /proc",
        "open(f'/proc/{OUTER}/environ').read()",
        "secret",
    ),
    _one(
        "environment-of-parent",
        "read the parent's environment in /proc",
        "open(f'/proc/{os.getppid()}/environ').read()",
        "secret",
    ),
    _one(
        "proc-root",
        "read a secret by way of another process's root",
        "open(f'/proc/{OUTER}/root{SECRET_FILE}').read()",
        "secret",
    ),
    _one(
        "proc-maps",
        "learn where the caller's memory lies",
        "PROOF if open(f'/proc/{OUTER}/maps').read() else None",
        "proof",
    ),
    _one(
        "proc-list",
        "list the machine's processes",
        "PROOF if str(OUTER) in os.listdir('/proc') else None",
        "proof",
    ),
    _one(
        "file-exists",
        "learn by stat whether a file exists",
        "PROOF if os.stat(SECRET_FILE) else None",
        "proof",
    ),
    Attack(
        "secret-inherited",
        "read a secret through a descriptor that the caller left open",
        "secret",
        """
import os
def attack():
    found = []
    for fd in range(4, 64):
        try:
            found.append(os.pread(fd, 100, 0))
        except OSError:
            pass
    return found
""",
    ),
)
