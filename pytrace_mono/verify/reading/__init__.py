"""Read a monologue: text to Claims.

::

    layout     sections, bullets, paragraphs, tables, blocks of code
    masking    a stretch of text as a template of words and numbered pieces of code
    shapes     pieces of patterns; words and code to values
    sentence   what a rule sees and gives back
    values, events, deduction    the rules: words for values, for what happens, for arguing backwards
    tables     rows of states
    block      one bullet or paragraph: applies the rules, keeps line, iteration and call in mind
    reader     walks the blocks, and what each inherits from those above it

Text in free style, without labels, is read by other means, since nothing in it says when:

::

    pieces      a stretch of text as a template in which every piece says what kind of code it is
    phrases     short patterns of what is stated
    cues        words that say when: passes, visits, the values of loops' variables
    cells       the cells of tables
    comments    lines of code with what they came to behind ``#``
    telling     what comes of it
    prose       walks the lines and sentences, keeps what they tell of when

or by a model, which restates it (``restated``).
"""

from pytrace_mono.verify.reading.prose import tell
from pytrace_mono.verify.reading.reader import is_labelled, read
from pytrace_mono.verify.reading.restated import numbered, read_restated

__all__ = ["is_labelled", "numbered", "read", "read_restated", "tell"]
