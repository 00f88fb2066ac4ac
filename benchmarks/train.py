"""What fine-tuning a 6.7B model costs on one GPU: tokens per second and MFU, beside a padding Trainer.

    python benchmarks/train.py CORPUS [--steps 3] [--samples 128] [--rehearse]

Needs a CUDA GPU of 80 GB; says so and stops where there is none. The dimensions are those of
deepseek-coder-6.7b, the weights random, so nothing is downloaded; the lengths of the rows are those of
CORPUS (a directory made by `pytrace-mono synth`, or a file of rows), encoded with a tokenizer made from
it. Each way runs in a process of its own and trains the same documents, shuffled; the first step is not
timed. Gradient accumulation, clipping and the optimizer's step are in the time. Tokens are real ones:
padding is not counted.

``--rehearse`` goes through every way with a model of two narrow layers, anywhere, and tells only whether
it came to its end: a number of such a model would mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

NEEDED_GB = 79
CONTEXT = 2048
# Of deepseek-coder-6.7b.
DIMENSIONS = {
    "hidden_size": 4096, "intermediate_size": 11_008, "num_hidden_layers": 32, "num_attention_heads": 32,
}  # fmt: skip
REHEARSED = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "full, nothing checkpointed": {
        "checkpointing": 0.0, "gradients": "bf16", "pass_tokens": 4096,
    },
    "full, every layer checkpointed": {"checkpointing": 1.0},
    "LoRA, rank 16, nothing checkpointed": {
        "checkpointing": 0.0, "gradients": "bf16", "lora": {"rank": 16},
    },
    "plain Trainer, padded": {"checkpointing": 1.0, "gradients": "bf16"},
    "full, moments in 8 bits, nothing checkpointed": {
        "checkpointing": 0.0, "gradients": "bf16", "moments": "8-bit",
    },
}  # fmt: skip


def documents_of(corpus: Path, count: int) -> list[Any]:
    """The first documents of a corpus, in the order of an epoch."""
    from pytrace_mono.train.data import Encoder
    from pytrace_mono.train.model import load_tokenizer
    from pytrace_mono.train.rows import read_rows
    from pytrace_mono.train.steps import epoch_order

    rows = list(read_rows(corpus))
    scratch = config_of_way({"scratch": {"words": 32_000}, "model": None}, 1)
    found = list(Encoder(load_tokenizer(scratch, rows), CONTEXT).encode(rows))
    order = epoch_order([document.task for document in found], {}, seed=0, epoch=0)
    while len(order) < count:  # a small corpus is shown more than once
        order += order
    return [found[index] for index in order[:count]]


def config_of_way(settings: dict[str, Any], samples: int) -> Any:
    """A configuration with a way's settings."""
    from pytrace_mono.train.config import config_of

    content = {
        "model": "random", "data": ["-"], "output": tempfile.mkdtemp(), "context": CONTEXT,
        "epochs": 1, "samples_per_step": samples, "held_out": 0, "save_every": 10**9,
    }  # fmt: skip
    return config_of(content | settings, "benchmark")


def measure(
    name: str, documents: list[Any], samples: int, dimensions: dict[str, int]
) -> dict[str, Any]:
    """Train one way and give its numbers; the first step is not timed."""
    # As the command line sets it.
    os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from pytrace_mono.train.memory import memory_here
    from pytrace_mono.train.meter import Flops, device_found, peak_flops, peak_memory
    from pytrace_mono.train.steps import step_of

    config = config_of_way(WAYS[name], samples)
    description = LlamaConfig(vocab_size=32_256, max_position_embeddings=16_384, **dimensions)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        torch.set_default_dtype(torch.bfloat16)
        model = LlamaForCausalLM(description)
        torch.set_default_dtype(torch.float32)
    train = padded if name.startswith("plain") else packed
    each, timed = train(model, documents, config)
    seconds = sum(each)
    step = step_of(timed, config.pass_tokens, "")  # as if they were one
    work = Flops.of(model).of_step(step)
    peak = peak_flops(device_found()[0])
    ours = train is packed
    return {
        "way": name,
        "tokens_per_second": round(step.tokens / seconds),
        "mfu": None if peak is None else round(work / seconds / peak, 4),
        "seconds": [round(one, 2) for one in each],
        "peak_memory_gb": round(peak_memory() / 1e9, 1),
        "computed_memory_gb": round(sum(memory_here(config, description)) / 1e9, 1)
        if ours
        else None,
        "weights": "bf16, stochastic rounding" if ours else "bf16",
        "moments": config.moments,
        "gradients": config.gradients,
        "checkpointed layers": f"{config.checkpointing:.0%}",
        "tokens a pass": config.pass_tokens if ours else None,
        "documents a step": samples,
    }


def packed(model: Any, documents: list[Any], config: Any) -> tuple[list[float], list[Any]]:
    """Our Trainer: the seconds of each step but the first, and their documents."""
    import torch

    from pytrace_mono.train.compiling import backend_of
    from pytrace_mono.train.data import Data
    from pytrace_mono.train.finetune import FineTuner
    from pytrace_mono.train.model import prepared
    from pytrace_mono.train.rundir import RunDirectory

    model.set_attn_implementation("packed")
    torch.manual_seed(0)
    model = prepared(model, config, backend_of(config))
    data = Data(documents, [], Counter())
    trainer = FineTuner(model, None, data, RunDirectory(config, {}))
    trainer.args.save_strategy = "no"
    order = trainer.train_dataset.order[config.samples_per_step :]
    return seconds_of(trainer), [documents[index] for index in order]


def padded(model: Any, documents: list[Any], config: Any) -> tuple[list[float], list[Any]]:
    """transformers' Trainer, batches of eight padded to the longest, its own AdamW; likewise."""
    import torch
    from transformers import Trainer, TrainingArguments

    shown: list[Any] = []

    def batch(chosen: list[Any]) -> dict[str, Any]:
        shown.extend(chosen)
        longest = max(map(len, chosen))
        fill = [longest - len(document) for document in chosen]
        columns = {
            "input_ids": [[*d.tokens, *[0] * n] for d, n in zip(chosen, fill, strict=True)],
            "labels": [[*d.labels, *[-100] * n] for d, n in zip(chosen, fill, strict=True)],
            "attention_mask": [[1] * len(d) + [0] * n for d, n in zip(chosen, fill, strict=True)],
        }
        return {name: torch.tensor(rows) for name, rows in columns.items()}

    accumulation = config.samples_per_step // 8
    arguments = TrainingArguments(
        output_dir=str(config.output), per_device_train_batch_size=8, num_train_epochs=1,
        gradient_accumulation_steps=accumulation, gradient_checkpointing=True, save_strategy="no",
        report_to="none", disable_tqdm=True, remove_unused_columns=False,
        optim="adamw_torch_fused",
    )  # fmt: skip
    arguments._n_gpu = 1
    model.config.use_cache = False
    trainer = Trainer(model, arguments, data_collator=batch, train_dataset=documents)
    return seconds_of(trainer), shown[config.samples_per_step :]


def seconds_of(trainer: Any) -> list[float]:
    """Seconds of each step after the first."""
    import torch
    from transformers import TrainerCallback

    marks: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]  # transformers says nothing of its type
        def on_step_end(self, *_: Any, **__: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            marks.append(time.perf_counter())

    trainer.add_callback(Clock())
    trainer.train()
    return [after - before for before, after in pairwise(marks)]


def main() -> int:
    """Run every way in a process of its own and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path, nargs="?", help="a corpus, or a file of rows")
    parser.add_argument("--steps", type=int, default=3, help="that are counted (default 3)")
    parser.add_argument(
        "--samples", type=int, default=128, help="documents in a step (default 128)"
    )
    parser.add_argument("--rehearse", action="store_true", help="run a tiny model; measure nothing")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    try:
        import torch
    except ImportError:
        print('not measured: needs pip install "pytrace_mono[train]"', file=sys.stderr)
        return 2
    memory = torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else 0
    if memory < NEEDED_GB * 1e9 and not args.rehearse:
        print("not measured: needs a CUDA GPU with 80 GB, and there is none here", file=sys.stderr)
        return 2
    if args.corpus is None or args.samples % 8:
        parser.error("give a corpus, and a multiple of 8 for --samples")
    if args.way:  # in a process of its own; the "corpus" is what the first process encoded
        dimensions = REHEARSED if args.rehearse else DIMENSIONS
        with args.corpus.open("rb") as stream:
            documents = pickle.load(stream)  # noqa: S301
        found = measure(args.way, documents, args.samples, dimensions)
        print(f"{args.way}: not measured, came to its end" if args.rehearse else json.dumps(found))
        return 0
    failed = False
    print(torch.cuda.get_device_name() if memory else "no GPU", "torch", torch.__version__)
    with tempfile.TemporaryDirectory() as folder:
        encoded = Path(folder) / "documents"
        encoded.write_bytes(
            pickle.dumps(documents_of(args.corpus, (args.steps + 1) * args.samples))
        )
        for way in WAYS:
            command = [sys.executable, __file__, str(encoded), "--way", way]
            command += ["--samples", str(args.samples), *["--rehearse"] * args.rehearse]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            lines = done.stdout.strip().splitlines()
            if done.returncode == 0 and lines:
                print(lines[-1])
            else:
                failed = True
                print(f"{way}: failed: {done.stderr.strip()[-2000:]}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
