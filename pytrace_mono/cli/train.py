"""``pytrace-mono train``: from a corpus to a model."""

from __future__ import annotations

import argparse
import os

from pytrace_mono.errors import MissingExtraError

_EXAMPLES = """\
examples:
  pytrace-mono train tiny-cpu --set data=corpus/ --set output=tiny/
  pytrace-mono train semcoder-6.7b --set data=corpus/ --set output=semcoder/ --dry-run
  torchrun --nproc-per-node 8 -m pytrace_mono.train semcoder-6.7b --set data=corpus/ \\
      --set output=semcoder/ --set fsdp=true --set precision=mixed

The same command goes on where a run was stopped. CONFIG is a YAML file or a recipe: lora, refine,
semcoder-6.7b, tiny-cpu. `python -m pydoc pytrace_mono.train.config.TrainConfig` explains each KEY.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("config", metavar="CONFIG", help="a YAML file, or the name of a recipe")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="change a setting; as often as you like",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say what it would take (rows, steps, memory, hours), and write nothing",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, or tell what training would take."""
    # Passes differ in length: in fixed segments, the gaps between them would add up.
    os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    try:
        import torch  # noqa: F401  # only whether it is there
        import transformers  # noqa: F401  # likewise

        from pytrace_mono.train.config import load_config
    except ImportError as error:
        raise MissingExtraError("pytrace-mono train", str(error.name), "train") from None
    config = load_config(args.config, args.settings)
    if args.dry_run:
        from pytrace_mono.train.budget import dry_run

        print(dry_run(config))
        return 0
    from pytrace_mono.train.run import train

    model = train(config, quiet=args.quiet)
    if os.environ.get("RANK", "0") == "0":  # under torchrun, each process comes here
        print(model)
    return 0
