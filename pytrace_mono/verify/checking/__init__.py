"""Hold Claims against a recording.

::

    comparing   a value as a text shows it, and a recorded one
    written     calls as a text writes them, and the activations they began
    places      from the place of a Claim to the visits it may be about
    code        questions about the code of a visited statement
    context     the recording, and how far the text has told of it
    states      what a variable or an expression is
    conditions  how tests came out, what was reached
    loops       how often a loop ran
    calls       what calls gave, what was raised
    histories   how a variable moved through a run
    whole       constraints and properties, the input, quotes
    restated    what a model restated, at the place that it gives; restated_places, restated_calls
    checker     which of these checks which kind of statement
    covering    which lines with side effects have to be told
    scoring     the findings and the coverage as Scores
"""

from pytrace_mono.verify.checking.scoring import Evidence, check

__all__ = ["Evidence", "check"]
