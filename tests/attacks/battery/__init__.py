"""The attack battery: what hostile programs try, and how it is seen whether they succeed.

::

    attack          the form of an attack; what proves it
    files, network, processes, exhaustion, survival, forgery, poisoning      the attacks
    scene           the decoys, listeners and the process that they aim at
    ours            runs them in a Sandbox
    bare            runs the controls, without protection or with a guard; only inside ``jail``
    jail            the outer jail, and ordinary users
"""
