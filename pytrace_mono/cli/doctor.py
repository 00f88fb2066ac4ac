"""``pytrace-mono doctor``: what this machine offers, and how to get what is missing."""

from __future__ import annotations

import argparse
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from pytrace_mono import __version__

# What each extra brings; the names are those of the distributions.
_EXTRAS = {
    "synth": (
        "openai", "aiohttp", "httpx-aiohttp", "tiktoken", "datasets", "genai-prices", "multiprocess",
    ),
    "train": (
        "torch", "transformers", "accelerate", "datasets", "matplotlib", "peft", "pyyaml",
    ),
    "qlora": ("bitsandbytes",),
}  # fmt: skip
_BASE = ("pydantic", "tqdm")


def configure(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments of its own."""
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the report; it is 0 also where something optional is missing."""
    print("\n".join([*_versions(), "", *_isolation(), "", *_extras()]))
    return 0


def _versions() -> list[str]:
    return [
        f"pytrace_mono {__version__}",
        f"Python {platform.python_version()} at {sys.executable}",
        f"{platform.system()} {platform.release()} {platform.machine()}",
        *(f"{name} {_installed(name) or 'is not installed'}" for name in _BASE),
    ]


def _isolation() -> list[str]:
    import warnings

    from pytrace_mono.errors import PytraceMonoError
    from pytrace_mono.tracer.sandbox import Sandbox, layers

    lines = ["isolation layers"]
    for layer in layers():
        lines.append(
            f"  {'active    ' if layer.active else 'not active'}  {layer.name}: {layer.detail}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is missing stands above
            with Sandbox(workers=1) as box:
                value = box.run("", "6 * 7").value
                children = [box.run("import os", "os.getpid()").value for _ in range(3)]
        lines.append(f"  level: {box.level}")
        if value is None or value.text != "42":
            lines.append("  a first run gave no value: something is wrong here")
        elif children[-1] == children[-2]:
            lines.append("  children: restored after each run, which is fast")
        else:
            lines.append(
                "  children: one for each run (docs/sandbox.md tells what is faster, and where)"
            )
    except PytraceMonoError as error:
        lines.append(f"  the sandbox does not start: {error}")
    return lines


def _extras() -> list[str]:
    lines = ["extras"]
    for extra, packages in _EXTRAS.items():
        found = {name: _installed(name) for name in packages}
        missing = [name for name, number in found.items() if number is None]
        if missing:
            lines.append(f"  [{extra}] lacks {', '.join(missing)}")
            lines.append(f'      pip install "pytrace_mono[{extra}]"')
        else:
            shown = ", ".join(f"{name} {number}" for name, number in found.items())
            lines.append(f"  [{extra}] is installed: {shown}")
    return lines


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
