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

| loss | first | last |
|---|---|---|
{losses}

## Data

{data}

## Configuration

```yaml
{config}```

## Versions

{versions}
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
    losses = []
    for words, key in (("training", "loss"), ("held out", "eval_loss")):
        if values := [line[key] for line in log if key in line]:
            losses.append(f"| {words} | {values[0]:.4f} | {values[-1]:.4f} |")
    sources = [
        f"- {side}: {len(documents)} rows, {sum(map(len, documents))} tokens an epoch"
        for side, documents in (("trained on", data.train), ("held out", data.held_out))
    ]
    sources += [f"- `{file}`: sha256 {digest}" for file, digest in digests.items()]
    sources += [f"- left out, {task}: {n} {why}" for (task, why), n in sorted(data.dropped.items())]
    settings = config.model_dump(mode="json", exclude_defaults=True)
    return _CARD.format(
        front=yaml.safe_dump(front, sort_keys=False),
        name=config.output.name,
        losses="\n".join(losses),
        data="\n".join(sources),
        config=yaml.safe_dump(settings, sort_keys=False),
        versions="\n".join(f"- {name} {number}" for name, number in versions.items()),
    )
