"""Hold Claims against a recording.

::

    comparing   a value as a text shows it, and a recorded one
    places      from the place of a Claim to the visits it may be about
    whole       claims about a run as a whole
    checker     a method for each kind of statement
    scoring     the findings and the coverage as Scores
"""

from pytrace_mono.verify.checking.scoring import Evidence, check

__all__ = ["Evidence", "check"]
