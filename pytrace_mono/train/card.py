"""The model card: what the model was made from, and how."""

from __future__ import annotations

from typing import Any

from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.data import Data


def model_card(
    config: TrainConfig, data: Data, versions: dict[str, str], log: list[dict[str, Any]]
) -> str:
    """Markdown with the metadata block that the Hugging Face hub reads.

    Args:
        config: of the run.
        data: what it was trained on.
        versions: of the packages.
        log: lines of the run's log.
    """
    import yaml

    front: dict[str, Any] = {"library_name": "transformers", "pipeline_tag": "text-generation"}
    if config.model is not None:
        front["base_model"] = config.model
    losses = {
        words: [line[key] for line in log if key in line]
        for words, key in (("training", "loss"), ("held out", "eval_loss"))
    }
    counts = {
        side: sum(len(document) for document in documents)
        for side, documents in (("trained on", data.train), ("held out", data.held_out))
    }
    sizes = (len(data.train), len(data.held_out))
    dropped = [f"- {task}: {count} {why}" for (task, why), count in sorted(data.dropped.items())]
    return "\n".join(
        [
            "---",
            yaml.safe_dump(front, sort_keys=False).strip(),
            "---",
            "",
            f"# {config.output.name}",
            "",
            "Fine-tuned on checked monologues of program runs with pytrace_mono. Ask it through "
            "`pytrace_mono.tasks`, as it was trained.",
            "",
            "| loss | first | last |",
            "|---|---|---|",
            *(f"| {words} | {v[0]:.4f} | {v[-1]:.4f} |" for words, v in losses.items() if v),
            "",
            "## Data",
            "",
            *(
                f"- {side}: {size} rows, {tokens} tokens an epoch"
                for (side, tokens), size in zip(counts.items(), sizes, strict=True)
            ),
            *(f"- `{file}`: sha256 {digest}" for file, digest in data.digests.items()),
            *(["", "Rows left out:", "", *dropped] if dropped else []),
            "",
            "## Configuration",
            "",
            "```yaml",
            yaml.safe_dump(
                config.model_dump(mode="json", exclude_defaults=True), sort_keys=False
            ).strip(),
            "```",
            "",
            "## Versions",
            "",
            *(f"- {name} {number}" for name, number in versions.items()),
            "",
        ]
    )
