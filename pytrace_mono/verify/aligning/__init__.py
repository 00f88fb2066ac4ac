"""Hold a monologue in free style against a recording: what is said first, when it was so second.

::

    segments    the recording as stretches: one activation, one pass of its loops
    truth       of one statement, in which stretches it is so
    path        the telling laid along the stretches, so that as much as possible is so
    counting    how often a loop, a line or a function ran
    aligner     the findings
"""

from pytrace_mono.verify.aligning.aligner import Aligner

__all__ = ["Aligner"]
