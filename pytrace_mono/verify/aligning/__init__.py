"""Hold a monologue in free style against a recording: what is said first, when it was so second.

::

    segments    the recording as stretches: one activation, one pass of its loops
    computed    when the program worked out what a text writes with values
    occurring   all values of a run
    truth       of one statement, at which moments it is so
    anywhere    the findings on what needs no place
    path        the telling laid along the moments, so that as much as possible is so
    freshness   what is told of a pass that only held before it
    order       what is so only in another iteration than the one it is told of
    counting    how often a loop, a line or a function ran
    aligner     the findings
"""

from pytrace_mono.verify.aligning.aligner import Aligner

__all__ = ["Aligner"]
