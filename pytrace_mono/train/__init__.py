"""Training: rows of a corpus, encoded and packed, and a causal language model fine-tuned on them.

The data layer is pure and imports no torch: ``rows`` reads the files, ``encode`` makes token sequences,
``mix`` orders them, ``pack`` fits them into passes, ``steps`` makes the steps of the optimizer, ``data``
all of it for one ``config``.

On torch and transformers: ``attention`` keeps packed documents apart, ``loss`` is on labels alone,
``optim`` is AdamW for weights in bf16 (``blocks``: moments in 8 bits), ``compiling`` says what is
compiled, ``model`` loads and prepares, ``finetune`` is the Trainer (``arguments`` are its settings),
``memory`` says what a run needs, ``budget`` what it would take, ``meter`` what it takes, ``rundir``
what may be written where, ``card`` what it was made from, and ``run`` is the whole. ``generate`` asks
the model that came of it.
"""

import logging

# Where it is installed, it says at each start which faster kernels for CPUs are not.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
