"""The model card: what the model was made from, and how."""

from __future__ import annotations

from typing import Any

import yaml

from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.data import Data

# With the metadata block that the Hugging Face hub reads.
_CARD = """\
---
{front}---

# {name}

Fine-tuned on checked monologues of program runs with pytrace_mono. Ask it through \
`pytrace_mono.tasks`, as it was trained.

```yaml
{made}```
"""


def model_card(
    config: TrainConfig,
    data: Data,
    digests: dict[str, str],
    versions: dict[str, str],
    log: list[dict[str, Any]],
) -> str:
    """Markdown.

    Args:
        config: of the run.
        data: what it was trained on.
        digests: sha256 of each file that it was read from.
        versions: of the packages.
        log: what the run logged.
    """
    front = {"library_name": "transformers", "pipeline_tag": "text-generation"}
    if config.model is not None:
        front["base_model"] = config.model
    made: dict[str, Any] = {"loss, first and last": {}, "rows and tokens an epoch": {}}
    for words, key, documents in (
        ("training", "loss", data.train),
        ("held out", "eval_loss", data.held_out),
    ):
        losses = [line[key] for line in log if key in line]
        made["loss, first and last"][words] = [losses[0], losses[-1]] if losses else None
        made["rows and tokens an epoch"][words] = [len(documents), sum(map(len, documents))]
    made |= {
        "rows left out": {f"{task}: {why}": n for (task, why), n in sorted(data.dropped.items())},
        "sha256 of the data": digests,
        "configuration": config.model_dump(mode="json", exclude_defaults=True),
        "versions": versions,
    }
    return _CARD.format(
        front=yaml.safe_dump(front, sort_keys=False),
        name=config.output.name,
        made=yaml.safe_dump(made, sort_keys=False),
    )
