"""seccomp: the system calls a confined program may make; everything else is refused.

The rules are compiled to BPF once, in the warm parent: ranges of call numbers with the same answer,
found by a balanced tree of comparisons, which installs and runs faster than a list. Only the
child's own process id and its secret differ from child to child, and are patched in.
"""

from __future__ import annotations

import errno
import struct

from pytrace_mono.tracer.sandbox import syscalls
from pytrace_mono.tracer.sandbox.syscalls import OWN_PID, RESULT_FD, Check, Rule, Spare

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000

_LOAD = 0x20  # A = 32-bit word at k of struct seccomp_data
_JUMP = 0x05
_IF_EQUAL = 0x15
_IF_GREATER_OR_EQUAL = 0x35
_RETURN = 0x06

_NUMBER_AT = 0
_ARCHITECTURE_AT = 4
_ARGUMENTS_AT = 16

_SECRET_LOW, _SECRET_HIGH = 0x7FFFFFF2, 0x7FFFFFF3
"""Stand for the two words of the child's secret."""

_Instruction = tuple[int, int, int, int]


class Filter:
    """The compiled rules for this machine.

    Args:
        profiles: what is granted beyond the usual.

    Raises:
        OSError: there is no table of system calls for this architecture.
    """

    def __init__(self, profiles: tuple[str, ...] = ()) -> None:
        architecture = syscalls.architecture()
        rules = syscalls.rules(profiles)
        program: list[_Instruction] = [
            (_LOAD, 0, 0, _ARCHITECTURE_AT),
            # Another architecture's numbers would mean other calls.
            (_IF_EQUAL, 1, 0, architecture),
            (_RETURN, 0, 0, _KILL),
            (_LOAD, 0, 0, _NUMBER_AT),
            *_tree(_ranges(rules)),
        ]
        self._code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)

    def code(self, pid: int, secret: int) -> bytes:
        """The BPF program for the process ``pid``, whose secret has 64 bits."""
        code = self._code
        own = {OWN_PID: pid, _SECRET_LOW: secret & 0xFFFFFFFF, _SECRET_HIGH: secret >> 32}
        for stands_for, value in own.items():
            code = code.replace(_if_equal(stands_for), _if_equal(value))
        return code


def _if_equal(value: int) -> bytes:
    return struct.pack("=HBBI", _IF_EQUAL, 0, 1, value)


def _ranges(rules: dict[int, Rule]) -> list[tuple[int, Rule]]:
    """(first number, answer) pairs in ascending order; each holds up to the next pair."""
    ranges: list[tuple[int, Rule]] = [(0, errno.EPERM)]
    for number in sorted(rules):
        for first, rule in ((number, rules[number]), (number + 1, errno.EPERM)):
            if ranges[-1][0] == first:
                ranges.pop()
            if not ranges or ranges[-1][1] != rule:
                ranges.append((first, rule))
    return ranges


def _tree(ranges: list[tuple[int, Rule]]) -> list[_Instruction]:
    if len(ranges) == 1:
        return _answer(ranges[0][1])
    middle = len(ranges) // 2
    low, high = _tree(ranges[:middle]), _tree(ranges[middle:])
    if len(low) <= 255:
        return [(_IF_GREATER_OR_EQUAL, len(low), 0, ranges[middle][0]), *low, *high]
    # A conditional jump reaches 255 instructions; an unconditional one reaches any distance.
    far: _Instruction = (_JUMP, 0, 0, len(low))
    return [(_IF_GREATER_OR_EQUAL, 0, 1, ranges[middle][0]), far, *low, *high]


def _answer(rule: Rule) -> list[_Instruction]:
    if rule == syscalls.ALLOW:
        return [(_RETURN, 0, 0, _ALLOW)]
    if rule == syscalls.KILL:
        return [(_RETURN, 0, 0, _KILL)]
    if isinstance(rule, int):
        return [(_RETURN, 0, 0, _ERRNO | rule)]
    return _spared(rule) if isinstance(rule, Spare) else _checked(rule)


def _spared(rule: Spare) -> list[_Instruction]:
    refused = (_RETURN, 0, 0, _KILL if rule.with_secret else _ERRNO | errno.EPERM)
    answer: list[_Instruction] = [(_LOAD, 0, 0, _ARGUMENTS_AT)]
    if not rule.with_secret:
        return [*answer, (_IF_EQUAL, 0, 1, RESULT_FD), refused, (_RETURN, 0, 0, _ALLOW)]
    secret = _ARGUMENTS_AT + 8 * 3
    return [
        *answer,
        (_IF_EQUAL, 1, 0, RESULT_FD),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, secret),
        (_IF_EQUAL, 0, 1, _SECRET_LOW),
        (_JUMP, 0, 0, 1),
        refused,
        (_LOAD, 0, 0, secret + 4),
        (_IF_EQUAL, 0, 1, _SECRET_HIGH),
        (_RETURN, 0, 0, _ALLOW),
        refused,
    ]


def _checked(check: Check) -> list[_Instruction]:
    """Allow the call when an argument's low word has one of the values."""
    # Every argument checked is an int to the kernel, so its high word means nothing.
    answer: list[_Instruction] = []
    refused = (_RETURN, 0, 0, _ERRNO | check.otherwise)
    if check.spare_result:
        answer += [(_LOAD, 0, 0, _ARGUMENTS_AT), (_IF_EQUAL, 0, 1, RESULT_FD), refused]
    if check.first is not None:
        answer += [(_LOAD, 0, 0, _ARGUMENTS_AT), (_IF_EQUAL, 1, 0, check.first), refused]
    answer.append((_LOAD, 0, 0, _ARGUMENTS_AT + 8 * check.argument))
    for value in check.values:
        answer += [(_IF_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    return [*answer, refused]
