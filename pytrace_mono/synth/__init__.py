"""Generate a corpus of checked monologues.

The public names::

    synthesize(problems, teacher, out)    the main job                        -> Corpus
    load_problems(path)                   read Problems, and what is wrong with the others
    Narrator()                            the built-in teacher, without a model
    OpenAITeacher(model)                  a model behind an OpenAI-compatible endpoint
    Teacher, Prompt, Completion           what to write a teacher of your own against
    ScriptedTeacher(script)               a teacher for tests
    Corpus(path), export(corpus, ...)     read a corpus, write it in another shape

Each is imported when it is first asked for: to read a corpus costs no sandbox and no client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytrace_mono.synth.corpus import Corpus
    from pytrace_mono.synth.exports import export
    from pytrace_mono.synth.narrator import Narrator
    from pytrace_mono.synth.openai_teacher import OpenAITeacher
    from pytrace_mono.synth.pipeline import synthesize
    from pytrace_mono.synth.problems import load_problems
    from pytrace_mono.synth.rejects import Reject
    from pytrace_mono.synth.teacher import Completion, Message, Prompt, Teacher, Usage
    from pytrace_mono.synth.testing import ScriptedTeacher

__all__ = [
    "Completion",
    "Corpus",
    "Message",
    "Narrator",
    "OpenAITeacher",
    "Prompt",
    "Reject",
    "ScriptedTeacher",
    "Teacher",
    "Usage",
    "export",
    "load_problems",
    "synthesize",
]

_HOMES = {
    "Completion": "teacher",
    "Corpus": "corpus",
    "Message": "teacher",
    "Narrator": "narrator",
    "OpenAITeacher": "openai_teacher",
    "Prompt": "teacher",
    "Reject": "rejects",
    "ScriptedTeacher": "testing",
    "Teacher": "teacher",
    "Usage": "teacher",
    "export": "exports",
    "load_problems": "problems",
    "synthesize": "pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOMES[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return __all__
