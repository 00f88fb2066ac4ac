"""The model card: what the model was made from, and how."""

from __future__ import annotations

from typing import Any

import yaml
from huggingface_hub import ModelCardData

from pytrace_mono.train.data import Data
from pytrace_mono.train.rundir import RunDirectory

# With the metadata block that the Hugging Face hub reads.
_CARD = """\
---
{front}
---

# {name}

Fine-tuned on checked monologues of program runs with pytrace_mono. Ask it through \
`pytrace_mono.tasks`, as it was trained.

```yaml
{made}```
"""


def model_card(directory: RunDirectory, data: Data, log: list[dict[str, Any]]) -> str:
    """Markdown.

    Args:
        directory: of the run, which knows the configuration, the digests and the versions.
        data: what it was trained on.
        log: what the run logged.
    """
    left_out = {f"{task}: {why}": n for (task, why), n in sorted(data.dropped.items())}
    made: dict[str, Any] = {"rows left out": left_out}
    sides = (("training", "loss", data.train), ("held out", "eval_loss", data.held_out))
    for words, key, documents in sides:
        losses = [line[key] for line in log if key in line]
        made[f"{words}: rows and tokens an epoch"] = [len(documents), sum(map(len, documents))]
        made[f"{words}: loss, first and last"] = losses[:1] + losses[-1:]
    return _CARD.format(
        front=ModelCardData(
            base_model=directory.config.model,
            library_name="transformers",
            pipeline_tag="text-generation",
        ),
        name=directory.path.name,
        made=yaml.safe_dump(made | directory.made_from, sort_keys=False),
    )
