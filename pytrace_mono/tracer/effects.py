"""What a line of a function can change, as far as its bytecode proves it.

A line is *quiet* when running it can bind some local variables and do nothing else to any value that is
made of exact built-in types. Every instruction that is not known to be harmless, and every name that is
not known to be that of a harmless built-in, makes a line not quiet; so an opcode that a later Python
brings costs time and no exactness.

The proof holds where all that the function can reach is made of exact built-in types, which is for the
caller to watch (:attr:`Activation.plain`): then an operator, a subscript or a loop runs C code that
only reads. It counts on no built-in value being changed in between by another thread, or by a weak
reference with a callback written in C. Python code that runs in between is no concern here: the
recorder is told of each call.
"""

from __future__ import annotations

import builtins
import dis
import sys
from types import CodeType

from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

_HARMLESS = frozenset(
    """
    CACHE NOP RESUME MAKE_CELL COPY_FREE_VARS EXTENDED_ARG PUSH_NULL
    COPY SWAP ROT_TWO ROT_THREE ROT_FOUR ROT_N DUP_TOP DUP_TOP_TWO
    LOAD_CONST LOAD_FAST LOAD_FAST_CHECK LOAD_FAST_LOAD_FAST LOAD_DEREF LOAD_CLOSURE
    UNARY_POSITIVE UNARY_NEGATIVE UNARY_NOT UNARY_INVERT TO_BOOL COMPARE_OP IS_OP CONTAINS_OP
    BINARY_POWER BINARY_MULTIPLY BINARY_MODULO BINARY_ADD BINARY_SUBTRACT BINARY_SUBSCR
    BINARY_FLOOR_DIVIDE BINARY_TRUE_DIVIDE BINARY_LSHIFT BINARY_RSHIFT BINARY_AND BINARY_XOR BINARY_OR
    BINARY_SLICE BUILD_SLICE BUILD_TUPLE BUILD_LIST BUILD_SET BUILD_MAP BUILD_CONST_KEY_MAP
    BUILD_STRING FORMAT_VALUE FORMAT_SIMPLE FORMAT_WITH_SPEC CONVERT_VALUE GET_LEN GET_ITER
    UNPACK_SEQUENCE RETURN_VALUE RETURN_CONST POP_BLOCK END_FOR
    JUMP_FORWARD JUMP_BACKWARD JUMP_ABSOLUTE JUMP_IF_FALSE_OR_POP JUMP_IF_TRUE_OR_POP
    POP_JUMP_IF_FALSE POP_JUMP_IF_TRUE POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE
    POP_JUMP_FORWARD_IF_FALSE POP_JUMP_FORWARD_IF_TRUE POP_JUMP_FORWARD_IF_NONE
    POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_BACKWARD_IF_FALSE POP_JUMP_BACKWARD_IF_TRUE
    POP_JUMP_BACKWARD_IF_NONE POP_JUMP_BACKWARD_IF_NOT_NONE
    PRECALL CALL KW_NAMES CALL_FUNCTION CALL_FUNCTION_KW CALL_METHOD CALL_KW
    """.split()
)
"""Calls are among them because what can be called is bounded by the names that are allowed."""
_ENDINGS = frozenset(
    """
    NOP RESUME MAKE_CELL COPY_FREE_VARS GEN_START POP_BLOCK POP_EXCEPT SETUP_FINALLY END_FOR POP_TOP
    STORE_FAST STORE_FAST_STORE_FAST STORE_DEREF STORE_GLOBAL STORE_ATTR STORE_SUBSCR STORE_SLICE
    DELETE_FAST DELETE_DEREF DELETE_GLOBAL DELETE_ATTR DELETE_SUBSCR
    RETURN_VALUE RETURN_CONST RAISE_VARARGS RERAISE JUMP_FORWARD JUMP_BACKWARD JUMP_ABSOLUTE
    POP_JUMP_IF_FALSE POP_JUMP_IF_TRUE POP_JUMP_IF_NONE POP_JUMP_IF_NOT_NONE
    POP_JUMP_FORWARD_IF_FALSE POP_JUMP_FORWARD_IF_TRUE POP_JUMP_FORWARD_IF_NONE
    POP_JUMP_FORWARD_IF_NOT_NONE POP_JUMP_BACKWARD_IF_FALSE POP_JUMP_BACKWARD_IF_TRUE
    POP_JUMP_BACKWARD_IF_NONE POP_JUMP_BACKWARD_IF_NOT_NONE
    """.split()
)
"""After these nothing is half done: what follows works on no value that an earlier line has fetched."""
_BUILTINS = {
    name: getattr(builtins, name)
    for name in (
        "abs all any ascii bin bool bytes chr complex dict divmod enumerate float format frozenset"
        " hex int isinstance len list max min oct ord pow range repr reversed round set slice sorted"
        " str sum tuple zip"
    ).split()
}
"""They change nothing that they are given and call none of it that is written in C."""
_METHODS = frozenset(
    "bit_count bit_length conjugate copy count decode difference encode endswith find format"
    " fromkeys get index intersection is_integer isalnum isalpha isascii isdecimal isdigit"
    " isdisjoint isidentifier islower isnumeric isspace issubset issuperset istitle isupper"
    " items join keys ljust lower lstrip partition replace rfind rindex rjust rpartition rsplit"
    " rstrip split splitlines startswith strip swapcase symmetric_difference title translate"
    " union upper values zfill".split()
)
"""Methods of built-in types that only read."""


def _codes_of(names: frozenset[str] | set[str]) -> bytes:
    return bytes(dis.opmap[name] for name in names if dis.opmap.get(name, 256) < 256)


_HARMLESS_CODES = _codes_of(_HARMLESS)
_ENDING_CODES = _codes_of(_ENDINGS)
_LOADS_OF_ATTRIBUTES = _codes_of({"LOAD_ATTR", "LOAD_METHOD"})
_SINGLE_STORES = _codes_of({"STORE_FAST", "STORE_DEREF", "STORE_FAST_LOAD_FAST"})
_DOUBLE_STORE = dis.opmap.get("STORE_FAST_STORE_FAST", -1)
_STORE_AND_LOAD = dis.opmap.get("STORE_FAST_LOAD_FAST", -1)
_STORE_DEREF = dis.opmap["STORE_DEREF"]
_STORES = _SINGLE_STORES + _codes_of({"STORE_FAST_STORE_FAST"})
_INPLACE = bytes(code for name, code in dis.opmap.items() if name.startswith("INPLACE_"))
_BINARY_OP = dis.opmap.get("BINARY_OP", -1)
_FIRST_INPLACE = 13  # NB_INPLACE_ADD in CPython's Include/opcode.h
_LOAD_GLOBAL = dis.opmap["LOAD_GLOBAL"]
_FOR_ITER, _GET_ITER = dis.opmap["FOR_ITER"], dis.opmap["GET_ITER"]
_POP_TOP, _END_FOR = dis.opmap["POP_TOP"], dis.opmap.get("END_FOR", -1)
_EXTENDED_ARG = dis.EXTENDED_ARG
_SKIPPED = _codes_of({"CACHE", "EXTENDED_ARG"})
_JUMPS = frozenset([*dis.hasjrel, *dis.hasjabs])
_KNOWN = (
    _HARMLESS_CODES
    + _LOADS_OF_ATTRIBUTES
    + _STORES
    + _INPLACE
    + _codes_of({"BINARY_OP", "LOAD_GLOBAL", "FOR_ITER", "POP_TOP"})
)
_GLOBALS_HAVE_A_FLAG = sys.version_info >= (3, 11)
_ATTRIBUTES_HAVE_A_FLAG = sys.version_info >= (3, 12)
_LOAD_ATTR = dis.opmap["LOAD_ATTR"]


Quiet = tuple[tuple[str, ...], tuple[str, ...]]


class Effects:
    """Of the lines of one function, which are quiet and which variables these bind.

    Attributes:
        quiet: by line, the variables that a quiet line can bind, and the built-ins on whose being the
            real ones this counts; a line that is not there may change anything.
    """

    def __init__(self, code: CodeType) -> None:
        self.quiet: dict[int, Quiet] = {}
        self._code = code
        self._raw = code.co_code  # the code as compiled: neither specialized nor instrumented
        self._operations = operations = self._raw[::2]
        self._used: list[str] = []
        self._cells = [*code.co_cellvars, *code.co_freevars]
        chunks: dict[int, list[range]] = {}
        for start, stop, line in code.co_lines():
            if line is not None:
                spans = chunks.setdefault(line, [])
                if spans and spans[-1].stop == start // 2:  # 3.11 has an entry for each expression
                    spans[-1] = range(spans[-1].start, stop // 2)
                else:
                    spans.append(range(start // 2, stop // 2))
            elif operations[start // 2 : stop // 2].translate(None, _HARMLESS_CODES):
                return  # it may run in the course of any line, and no event says so
        for line, spans in chunks.items():
            bound: list[str] = []
            self._used.clear()
            if all(self._reads(span, bound) for span in spans):
                self.quiet[line] = tuple(dict.fromkeys(bound)), tuple(self._used)
        del self._code, self._raw, self._operations, self._used, self._cells

    def _reads(self, span: range, bound: list[str]) -> bool:
        """Does this stretch of a line do nothing but bind variables, which are added to ``bound``?"""
        operations = self._operations
        chunk = operations[span.start : span.stop]
        if chunk.translate(None, _KNOWN):
            return False
        before = span.start - 1
        while before >= 0 and operations[before] in _SKIPPED:
            before -= 1
        if before >= 0 and operations[before] not in _ENDING_CODES:
            return False  # the rest of an expression that began on another line
        if not chunk.translate(None, _HARMLESS_CODES):
            return True
        changed_in_place: list[str] = []
        for index in span:
            operation = operations[index]
            if operation in _HARMLESS_CODES:
                continue
            if operation in _STORES:
                bound += self._stored(index)
            elif operation == _LOAD_GLOBAL:
                name = self._name(index, _GLOBALS_HAVE_A_FLAG)
                if name not in _BUILTINS:
                    return False
                self._used.append(name)
            elif operation in _LOADS_OF_ATTRIBUTES:
                has_flag = _ATTRIBUTES_HAVE_A_FLAG and operation == _LOAD_ATTR
                if self._name(index, has_flag) not in _METHODS:
                    return False
            elif operation == _FOR_ITER:
                if not self._iterates_over_what_was_read(index, span):
                    return False
            elif operation == _POP_TOP:
                if operations[index - 1] != _END_FOR:
                    return False  # drops a value, which may be the last that is known of it
            elif operation in _INPLACE or self._argument(index) >= _FIRST_INPLACE:
                follower = index + 1
                while follower < span.stop and operations[follower] in _SKIPPED:
                    follower += 1
                if follower == span.stop or operations[follower] not in _SINGLE_STORES:
                    return False
                changed_in_place.append(self._stored(follower)[0])
        # `x += y` where x was a number changes no value. That it was, the caller sees by what x was
        # before the line; so the line must bind it only once.
        return all(bound.count(name) == 1 for name in changed_in_place)

    def _iterates_over_what_was_read(self, index: int, span: range) -> bool:
        """Is the iterator of a loop made by this line alone, as by ``for i in range(n)``?

        Otherwise it may be any, such as a ``map`` over a method that changes a list.
        """
        end = index - 1
        while end > span.start and self._operations[end] in _SKIPPED:
            end -= 1
        if self._operations[end] != _GET_ITER:
            return False
        depth = 0
        for at in range(span.start, end):
            operation = self._operations[at]
            if operation in _JUMPS:
                return False
            if operation in _SKIPPED:
                continue
            argument = self._argument(at) if operation >= dis.HAVE_ARGUMENT else None
            depth += dis.stack_effect(operation, argument, jump=False)
            if depth < 1:
                return False  # it takes something that was there before the line
        return depth == 1

    def _argument(self, index: int) -> int:
        argument = self._raw[2 * index + 1]
        shift = 8
        while index > 0 and self._operations[index - 1] == _EXTENDED_ARG:
            index -= 1
            argument |= self._raw[2 * index + 1] << shift
            shift += 8
        return argument

    def _name(self, index: int, has_flag: bool) -> str:
        argument = self._argument(index)
        return self._code.co_names[argument >> 1 if has_flag else argument]

    def _stored(self, index: int) -> list[str]:
        operation, argument = self._operations[index], self._argument(index)
        names = self._code.co_varnames
        if operation == _STORE_DEREF:
            if _GLOBALS_HAVE_A_FLAG:  # cells are counted among the local variables from 3.11 on
                return [self._local(argument)]
            return [self._cells[argument]]
        if operation == _DOUBLE_STORE:
            return [self._local(argument >> 4), self._local(argument & 15)]
        if operation == _STORE_AND_LOAD:
            return [self._local(argument >> 4)]
        return [names[argument]] if argument < len(names) else [self._local(argument)]

    def _local(self, index: int) -> str:
        """Name of a variable; from 3.11 on cells follow, but for those that are arguments too."""
        names = self._code.co_varnames
        if index < len(names):
            return names[index]
        others = [name for name in self._cells if name not in names]
        return others[index - len(names)]
