"""Read a monologue: text to Claims.

::

    layout     sections, bullets, paragraphs, tables, blocks of code
    masking    a stretch of text as a template of words and numbered pieces of code
    shapes     pieces of patterns; words and code to values
    sentence   what a rule sees and gives back
    values, events, deduction    the rules: words for values, for what happens, for arguing backwards
    tables     rows of states
    reader     walks the blocks, keeps line, iteration and call in mind, applies the rules
"""

from pytrace_mono.verify.reading.reader import read

__all__ = ["read"]
