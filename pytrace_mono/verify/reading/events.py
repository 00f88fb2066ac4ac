"""Words for what happens: conditions, loops, lines passed over, results, exceptions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from pytrace_mono.verify.claims import (
    Called,
    Condition,
    Gives,
    Operand,
    Passes,
    Quoted,
    Raises,
    Reached,
    Shown,
)
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.sentence import Found, Match, Rules, Sentence
from pytrace_mono.verify.reading.shapes import COUNT, TIMES, VW, C, V
from pytrace_mono.verify.source import is_literal, parsed

EVENTS = Rules()

_YES = (
    "holds every time|holds|held|is true|was true|is True|is satisfied|is met|passes|succeeds|"
    "passed|evaluates to True|evaluates to true|comes out true|comes out True|came out true|yes|"
    "Yes|true|True|is the case"
)
_NO = (
    "never holds|fails every time|fails|failed|is false|was false|is False|is not satisfied|"
    "is not met|does not hold|did not hold|doesn't hold|didn't hold|is not true|isn't true|"
    "does not pass|does not fit|evaluates to False|evaluates to false|comes out false|"
    "comes out False|came out false|no longer holds|no|No|false|False"
)


def _given(s: Sentence, words: str) -> Iterable[Found]:
    """What the function gives, as a value; where code of the program stands for it, a quote."""
    shown = s.shown(words)
    if shown is None:
        return
    if words.startswith("«") and shapes.from_code(s.code(words)) is None:
        if s.program.has(shapes.normal(s.code(words))):
            yield Found("quote", Quoted(s.code(words)))
        return
    yield Found("call", Gives(None, shown))


def _is_condition(code: str) -> bool:
    node = parsed(code)
    return node is not None and not is_literal(code)


@EVENTS.add(rf"({C}) is (not )?(?:empty|zero)\b", "empty", "zero")
def _nothing(s: Sentence, m: Match) -> Iterable[Found]:
    if _is_condition(s.code(m[1])):
        yield Found("branch", Condition(s.code(m[1]), bool(m[2])))


@EVENTS.add(rf"({C})(?: also| again| now| still)? holds ({COUNT}) of ({COUNT}) times", "times")
def _share(s: Sentence, m: Match) -> Iterable[Found]:
    count, of = shapes.count_of(m[2]), shapes.count_of(m[3])
    yield Found("branch", Condition(s.code(m[1]), True, (count, of)))


@EVENTS.add(rf"[Tt]he case ({C}) (fits|matches|does not fit|does not match)", "case")
def _case(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("branch", Condition(f"case {s.code(m[1])}", "not" not in m[2]))


@EVENTS.add(
    rf"({C})(?: also| again| now| still| therefore| indeed)?,? (?:({_NO})|({_YES}))(?![\w«])"
)
def _condition(s: Sentence, m: Match) -> Iterable[Found]:
    code = s.code(m[1])
    if _is_condition(code) and not s.follows(m.start(), "if", "unless", "while", "whether"):
        yield Found("branch", Condition(code, m[3] is not None))


@EVENTS.add(
    rf"({C}) ?(?:[?:\u2192\u2014\u2013,(-]|->|=>|is|was|comes out|came out|evaluates to|gives){{1,2}} "
    rf"?(?:that is |this is |it is |which is |and that is |so )?"
    rf"(?:({_NO})|({_YES}))(?![\w«])"
)
def _asked(s: Sentence, m: Match) -> Iterable[Found]:
    code = s.code(m[1])
    node = parsed(code)
    if isinstance(node, (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Call)):
        yield Found("branch", Condition(code, m[3] is not None))


@EVENTS.add(r"\b(?:the )?(?:loop )?body (?:never runs|is never entered)", "body")
@EVENTS.add(rf"{C}[^.;]*? has nothing to give", "nothing to give")
def _no_pass(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("loop", Passes(0))


@EVENTS.add(
    r"(?:runs|ran|run|executes|executed|iterates|iterated|repeats|loops|goes round|goes around|is entered|"
    rf"fires|went round|turns) (?:for )?(?:exactly |a total of |only |just )?({TIMES})",
    "time", "once", "twice", "thrice", "never",
)  # fmt: skip
def _times(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("loop", Passes(shapes.count_of(m[1])))


@EVENTS.add(
    rf"(?:for|makes|made|does|takes|took|after|has|had|needs|in) (?:exactly |a total of |only |all |just )?"
    rf"({COUNT}) (?:passes|pass|iterations?|rounds?)\b(?! \d)",
    "pass", "iteration", "round",
)  # fmt: skip
def _passes(s: Sentence, m: Match) -> Iterable[Found]:
    if s.template[m.start() :].startswith("after"):
        return
    yield Found("loop", Passes(shapes.count_of(m[1])))


@EVENTS.add(rf"takes the ({COUNT}) items of ({C})", "items of")
def _items(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("loop", Passes(shapes.count_of(m[1])))
    yield Found("quote", Quoted(s.code(m[2])))


@EVENTS.add(
    r"\[L(\d+)\](?: (?:to|and) \[L(\d+)\])? (?:(?:is|are|was|were|gets|get) "
    r"(?:also )?(?:skipped|passed over|not (?:run|reached|executed|taken|entered)|"
    r"never (?:run|reached|executed))|do(?:es)? not run|never runs?)",
    "skipped", "passed over", "not ", "never",
)  # fmt: skip
def _skipped(s: Sentence, m: Match) -> Iterable[Found]:
    first = int(m[1])
    yield Found("branch", Reached(first, int(m[2] or first), False))


@EVENTS.add(r"\b(?:skips|skipping|jumps over|passes over) \[L(\d+)\](?: to \[L(\d+)\])?", "[L")
def _skips(s: Sentence, m: Match) -> Iterable[Found]:
    first = int(m[1])
    yield Found("branch", Reached(first, int(m[2] or first), False))


@EVENTS.add(rf"({C}) (?:ends|leaves|stops|exits|breaks|goes on|continues|moves on)\b")
def _leaves(s: Sentence, m: Match) -> Iterable[Found]:
    line = s.line_at(m.start())
    if s.code(m[1]) in ("break", "continue", "return", "pass") and line is not None:
        yield Found("branch", Reached(line, line, True))


@EVENTS.add(
    rf"({V})(?:,| and) (?:and )?(?:the (?:function|call|method) returns (?:it|that)|"
    r"that is (?:what is )?returned|is returned|(?:this|that|it) is returned)",
    "return",
    takes=(),
)
@EVENTS.add(
    rf"({V}) (?:is|are|was|gets) (?:then |finally |what is )?(?:returned|handed back)",
    "return",
    "handed",
    takes=(),
)
def _is_returned(s: Sentence, m: Match) -> Iterable[Found]:
    return _given(s, m[1])


@EVENTS.add(
    rf"({C}) (?:then |finally |therefore |thus )?(?:returns|returned|gives|gave|hands back|had to give|"
    rf"has to give|must give|must return|yields|evaluates to|comes back (?:as|with)|came back (?:as|with)|"
    rf"answers|produces|results in|is|was|=|==|\u2192|->|=>),? ({VW})"
)
def _call_gives(s: Sentence, m: Match) -> Iterable[Found]:
    code, shown = s.code(m[1]), s.shown(m[2])
    name = shapes.called(code) or code.rsplit(".", 1)[-1]
    if shown is not None and name in s.program.function_names:
        yield Found("call", Gives(code, shown))


@EVENTS.add(
    rf"\b(?:return(?:s|ed|ing)?|hands? back|gives? back|answers with)(?: the (?:list|value|string|"
    rf"tuple|dict|final value|result|number))?,?:? (?:{C} (?:which is|=|, which is|, i\.e\.,?|, that is,?) )?({VW})",
    "eturn", "hand", "back", "answers",
)  # fmt: skip
def _returns(s: Sentence, m: Match) -> Iterable[Found]:
    if s.follows(m.start(), "would", "could", "can", "if", "not", "never"):
        return ()
    return _given(s, m[1])


@EVENTS.add(
    r"(?:[Tt]he )?(?:final |overall |whole )?(?:answer|result|output|return value|returned value|value "
    r"returned|final value|value to reach|output to reach|value that comes back|outcome)"
    rf"(?: of the (?:call|function))? ?(?:to reach )?(?:is|was|:|=|must be|has to be)(?: then| therefore| thus)?:? ({V})",
)
def _result(s: Sentence, m: Match) -> Iterable[Found]:
    return _given(s, m[1])


@EVENTS.add(rf"So ({C}) as a whole is ({V})", "as a whole")
def _whole(s: Sentence, m: Match) -> Iterable[Found]:
    shown = s.shown(m[2])
    if shown is not None:
        yield Found("answer", Gives(s.code(m[1]), shown))


@EVENTS.add(rf"({V}) is yielded|yields ({V})|[Hh]ands out ({V})", "yield", "ands out")
def _yields(s: Sentence, m: Match) -> Iterable[Found]:
    shown = s.shown(m[1] or m[2] or m[3])
    if shown is not None:
        yield Found("call", Gives(None, shown, "yielded"))


@EVENTS.add(rf"({C}|\w+(?:Error|Exception|Iteration)) is (?:raised|thrown)", "raised", "thrown")
@EVENTS.add(
    rf"\b(?:raises|raised|throws|raising) (?:an? |the )?({C}|\w+(?:Error|Exception))",
    "rais",
    "throws",
)
def _raises(s: Sentence, m: Match) -> Iterable[Found]:
    code = s.code(m[1])
    node = parsed(code)
    if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
        message = None
        if len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            message = str(node.args[0].value)
        yield Found("exception", Raises(ast.unparse(node.func), message))
        return
    match = re.match(r"<?([A-Za-z_][\w.]*)(?:[: ]+(.*?))?>?$", code)
    if match is not None:
        yield Found("exception", Raises(match[1], match[2] or None))


@EVENTS.add(
    rf"(?:^|[Tt]his |then |it |and )(?:\[L\d+\] )?(?:In|Inside|Within|[Cc]alls?|calling|asks for) "
    rf"((?:{C}(?:, | and )?)+)",
)
def _called(s: Sentence, m: Match) -> Iterable[Found]:
    for piece in re.findall(C, m[1]):
        code = s.code(piece)
        name = shapes.called(code) or code.rsplit(".", 1)[-1]
        if name in s.program.function_names:
            yield Found("call", Called(code))


@EVENTS.add(rf"[Bb]efore the call, ({C}) is run", "efore the call")
@EVENTS.add(rf"({C}) (?:is|are) never read", "never read")
def _aside(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("quote", Quoted(s.code(m[1])))


@EVENTS.add(rf"((?:{C}(?:, | and |, and )?)+) is printed", "is printed")
def _printed(s: Sentence, m: Match) -> Iterable[Found]:
    for piece in re.findall(C, m[1]):
        yield Found("value", Operand(Shown(s.code(piece)), "prints"))


@EVENTS.add(
    rf"(?:the )?(?:inner function|class|function) ({C}) is defined|({C}) (?:is|are) (?:imported|defined|deleted)",
    "defined", "imported", "deleted",
)  # fmt: skip
def _defined(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("quote", Quoted(s.code(m[1] or m[2])))


@EVENTS.add(
    rf"(?:[Gg]oes (?:over|through|on while)|takes(?: items from)?|through|[Ll]oops? (?:over|while|through)|"
    rf"runs over|iterates over|while|asks for|[Aa]sserts|the assertion|calls|calling|in|over|around|of|when|"
    rf"[Bb]efore the call,|if|with|is matched against|asked for) ({C})",
)
@EVENTS.add(
    rf"({C})(?:, {C},)? (?:is matched against|change places|is (?:sorted|reversed) in place)"
)
def _quoted(s: Sentence, m: Match) -> Iterable[Found]:
    code = s.code(m[1])
    if s.program.has(shapes.normal(code)):
        yield Found("quote", Quoted(code))
