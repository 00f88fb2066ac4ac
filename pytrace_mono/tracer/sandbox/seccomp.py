"""seccomp: the system calls a confined program may make; everything else is refused.

The rules are compiled to BPF once, in the warm parent: ranges of call numbers with the same answer,
found by a balanced tree of comparisons, which installs and runs faster than a list.

They come in two filters, because to install one takes time for each of its instructions. The larger one
is installed once, in the warm parent, and every child inherits it; it leaves open what the warm parent
itself needs. The smaller one, which each child installs, shuts that again, and knows the child's own
process id and its secret. The kernel asks both and follows the stricter.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping

from pytrace_mono.tracer.sandbox import syscalls
from pytrace_mono.tracer.sandbox.syscalls import (
    OWN_PID,
    RESULT_FD,
    Check,
    Choice,
    Rule,
    Spare,
    Told,
)

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000
_TRACE = 0x7FF00000

TOLD_DATA, READY_DATA = 1, 2
"""What a tracer is given where the answer is TELL, and where it is READY."""

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
    """One filter, compiled for this machine.

    Args:
        rules: the answers, by number.
        otherwise: the answer for the other numbers.

    Attributes:
        code: the BPF program; the process id and the secret in it are those set last.

    Raises:
        OSError: there is no table of system calls for this architecture.
    """

    def __init__(self, rules: Mapping[int, Rule], otherwise: Rule) -> None:
        program: list[_Instruction] = [
            (_LOAD, 0, 0, _ARCHITECTURE_AT),
            # Another architecture's numbers would mean other calls.
            (_IF_EQUAL, 1, 0, syscalls.architecture()),
            (_RETURN, 0, 0, _KILL),
            (_LOAD, 0, 0, _NUMBER_AT),
            *_tree(_ranges(rules, otherwise)),
        ]
        self.code = bytearray().join(struct.pack("=HBBI", *line) for line in program)
        self._words = memoryview(self.code).cast("I")
        self._pids, self._lows, self._highs = (
            [2 * at + 1 for at, line in enumerate(program) if line[0] == _IF_EQUAL and line[3] == k]
            for k in (OWN_PID, _SECRET_LOW, _SECRET_HIGH)
        )

    def set_pid(self, pid: int) -> None:
        """Whose filter it is."""
        for at in self._pids:
            self._words[at] = pid

    def set_secret(self, secret: int) -> None:
        """What a write to the result pipe has to name, 64 bits."""
        for at in self._lows:
            self._words[at] = secret & 0xFFFFFFFF
        for at in self._highs:
            self._words[at] = secret >> 32


def of_parent(profiles: tuple[str, ...] = ()) -> Filter:
    """The filter of a warm parent, which its children inherit.

    Raises:
        OSError: there is no table of system calls for this architecture.
    """
    open_to_parent = dict.fromkeys(syscalls.of_parent(profiles), syscalls.ALLOW)
    return Filter({**syscalls.rules(profiles), **open_to_parent}, errno.EPERM)


def of_child(profiles: tuple[str, ...] = ()) -> Filter:
    """The filter that makes of a warm parent's that of a child.

    Raises:
        OSError: there is no table of system calls for this architecture.
    """
    rules = syscalls.rules(profiles)
    shut = {number: rules.get(number, errno.EPERM) for number in syscalls.of_parent(profiles)}
    return Filter(shut, syscalls.ALLOW)


def of_restored() -> Filter:
    """The filter of a child that is restored from run to run, in place of that of other children.

    Raises:
        OSError: there is no table of system calls for this architecture.
    """
    return Filter(syscalls.of_restored(), syscalls.TELL)


def _ranges(rules: Mapping[int, Rule], otherwise: Rule) -> list[tuple[int, Rule]]:
    """(first number, answer) pairs in ascending order; each holds up to the next pair."""
    ranges: list[tuple[int, Rule]] = [(0, otherwise)]
    for number in sorted(rules):
        for first, rule in ((number, rules[number]), (number + 1, otherwise)):
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


def _answer(rule: Rule, allow: int = syscalls.ALLOW) -> list[_Instruction]:
    if isinstance(rule, Told):
        return _answer(rule.rule, syscalls.TELL)
    if isinstance(rule, Choice):
        return _chosen(rule)
    if isinstance(rule, Spare):
        return _spared(rule, allow)
    if isinstance(rule, Check):
        return _checked(rule, allow)
    return [_return(allow if rule == syscalls.ALLOW else rule)]


def _return(answer: int) -> _Instruction:
    actions = {
        syscalls.ALLOW: _ALLOW,
        syscalls.KILL: _KILL,
        syscalls.TELL: _TRACE | TOLD_DATA,
        syscalls.READY: _TRACE | READY_DATA,
    }
    return (_RETURN, 0, 0, actions.get(answer, _ERRNO | answer))


def _chosen(rule: Choice) -> list[_Instruction]:
    refused = _return(rule.otherwise)
    answer: list[_Instruction] = [(_LOAD, 0, 0, _ARGUMENTS_AT), (_IF_EQUAL, 1, 0, rule.first)]
    answer += [refused, (_LOAD, 0, 0, _ARGUMENTS_AT + 8)]
    for value, then in rule.answers:
        answer += [(_IF_EQUAL, 0, 1, value), _return(then)]
    return [*answer, refused]


def _spared(rule: Spare, allow: int) -> list[_Instruction]:
    refused = _return(syscalls.KILL if rule.with_secret else errno.EPERM)
    allowed = _return(allow)
    answer: list[_Instruction] = [(_LOAD, 0, 0, _ARGUMENTS_AT)]
    if not rule.with_secret:
        return [*answer, (_IF_EQUAL, 0, 1, RESULT_FD), refused, allowed]
    secret = _ARGUMENTS_AT + 8 * 3
    return [
        *answer,
        (_IF_EQUAL, 1, 0, RESULT_FD),
        allowed,
        (_LOAD, 0, 0, secret),
        (_IF_EQUAL, 0, 1, _SECRET_LOW),
        (_JUMP, 0, 0, 1),
        refused,
        (_LOAD, 0, 0, secret + 4),
        (_IF_EQUAL, 0, 1, _SECRET_HIGH),
        allowed,
        refused,
    ]


def _checked(check: Check, allow: int) -> list[_Instruction]:
    """Allow the call when an argument's low word has one of the values."""
    # Every argument checked is an int to the kernel, so its high word means nothing.
    answer: list[_Instruction] = []
    refused = _return(check.otherwise)
    if check.spare_result:
        answer += [(_LOAD, 0, 0, _ARGUMENTS_AT), (_IF_EQUAL, 0, 1, RESULT_FD), refused]
    if check.first is not None:
        answer += [(_LOAD, 0, 0, _ARGUMENTS_AT), (_IF_EQUAL, 1, 0, check.first), refused]
    answer.append((_LOAD, 0, 0, _ARGUMENTS_AT + 8 * check.argument))
    for value in check.values:
        answer += [(_IF_EQUAL, 0, 1, value), _return(allow)]
    return [*answer, refused]
