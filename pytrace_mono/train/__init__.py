"""Training: rows of a corpus, encoded and packed, and a causal language model fine-tuned on them.

The data layer is pure and imports no torch: ``rows`` reads the files, ``data`` makes documents of them
as one ``config`` wants, ``pack`` fits documents into passes, ``steps`` orders them and makes the steps
of the optimizer.

On torch and transformers: ``attention`` keeps packed documents apart, ``model`` loads, and prepares for
losses on labels alone, ``optim`` is AdamW for weights in bf16 (``blocks``: moments in 8 bits),
``compiling`` says what is compiled, ``finetune`` is the Trainer (``arguments`` are its settings),
``memory`` says what a run needs, ``budget`` what it would take, ``meter`` what it takes, ``rundir``
what may be written where, and ``run`` is the whole, up to the model's card. ``generate`` asks the model
that came of it.
"""

import logging
import warnings

# Where it is installed, it says at each start which faster kernels for CPUs are not.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
# Said of peft, which asks transformers under the old name, at each start with adapters.
warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
