"""The ``README.md`` of a corpus: what ``datasets`` reads to find the rows, and a reader the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytrace_mono.verify.reasons import explain

_TEMPLATE = """\
---
pretty_name: pytrace_mono corpus
task_categories:
- text-generation
tags:
- code
configs:
- config_name: default
  data_files:
  - split: train
    path: data/*.{format}
---
# A corpus of execution monologues

Made by pytrace_mono {version} on Python {python} with the teacher `{teacher}`{model}.
Every answer was checked by running the program.

```python
from datasets import load_dataset

rows = load_dataset("THIS/DIRECTORY", split="train")
```

| task | kept | dropped |
|---|---|---|
| nl | {nl[kept]} ({nl[unverified]} unverified) | {nl[dropped]} |
| forward | {forward[kept]} | {forward[dropped]} |
| backward | {backward[kept]} | {backward[dropped]} |

The columns `id, nl, fwd_mnl, bwd_mnl, response` are those of PyX (SemCoder, arXiv 2406.01006):
exactly one of the middle three is filled and holds the instruction. The others say where a row
comes from. `manifest.json` holds the counts, versions and digests; `rejects.jsonl` one row for
each thing that was dropped.
"""


def card(manifest: Mapping[str, Any]) -> str:
    """The README of a corpus with this manifest."""
    counts, config = manifest["counts"], manifest["config"]
    text = _TEMPLATE.format(
        format=config["format"],
        version=manifest["versions"]["pytrace_mono"],
        python=manifest["versions"]["python"],
        teacher=config["teacher"],
        model=f" (model `{config['model']}`)" if config.get("model") else "",
        **{task: counts[task] for task in ("nl", "forward", "backward")},
    )
    reasons = [
        f"| {scope} | `{code}` | {number} | {explain(code)} |"
        for scope, codes in counts["reasons"].items()
        for code, number in codes.items()
    ]
    if reasons:
        text += "\n| dropped | reason | number | |\n|---|---|---|---|\n" + "\n".join(reasons) + "\n"
    if not manifest["complete"]:
        text += f"\nThis corpus is not complete: {manifest['stopped']}\n"
    return text
