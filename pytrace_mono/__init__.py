"""Watch Python programs run, turn the recording into verified monologues, train on them.

The rooms, each importable alone:

- ``pytrace_mono.tracer``: record a run, live or in a sandbox (standard library only)
- ``pytrace_mono.verify``: check what a monologue says against the recording
- ``pytrace_mono.synth``: generate a corpus of checked monologues

This module imports nothing, so that any of them costs only its own imports.
"""

__version__ = "0.1.0"
