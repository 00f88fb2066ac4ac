"""The directory of a run: whose it is, which checkpoints are whole, and whether it may be written to.

``run.json`` says with what the run was begun; a checkpoint is whole once its ``complete.json`` is
there, which is written last. Nothing here is ever replaced by another run.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytrace_mono
from pytrace_mono.errors import PytraceMonoError, TrainingConfigError, TrainingError
from pytrace_mono.files import replace_text
from pytrace_mono.locking import HOLDER, lock, unlock
from pytrace_mono.train.config import TrainConfig, config_of

RUN = "run.json"
MODEL = "model"
PARTIAL = f".{MODEL}.partial"
_COMPLETE = "complete.json"
_IGNORED = {HOLDER, f".{RUN}.partial"}  # left where a run was killed as it began
_log = logging.getLogger(__name__)


class RunDirectory:
    """Where a run writes.

    Args:
        config: of the run.
        digests: sha256 of each of its files of rows, by path.

    Attributes:
        made_from: what ``run.json`` holds: the configuration, the digests and the versions of packages.

    Raises:
        TrainingError: the directory holds something else, or a run with another configuration or
            other rows.
    """

    def __init__(self, config: TrainConfig, digests: dict[str, str]) -> None:
        self.path, self.config = config.output, config
        settings = config.model_dump(mode="json")
        self.made_from = {"config": settings, "data": digests, "versions": _versions()}
        there = next(path for path in (self.path, *self.path.parents) if path.exists())
        writable = there.is_dir() and os.access(there, os.W_OK)
        if there != self.path:
            if self.path.is_symlink():
                raise TrainingError(f"{self.path}: a link that leads nowhere; give another output.")
            if writable:
                return
            raise TrainingError(
                f"{self.path}: cannot be made: {there} is no writable folder; give another output."
            )
        if there.is_dir() and not writable and not self.finished:
            raise TrainingError(f"{self.path}: may not be written to; give another output.")
        if there.is_dir() and set(os.listdir(there)) <= _IGNORED:
            return
        if not (self.path / RUN).exists():
            raise TrainingError(
                f"{self.path}: holds something that is no training run, and nothing of it was "
                "changed; give another output."
            )
        try:
            run = json.loads((self.path / RUN).read_bytes())
            differences = config.differences(config_of(run["config"], RUN))
            if run["data"] != digests:
                differences.append("the rows in the data are not those that it was begun with")
        except (OSError, ValueError, LookupError, TypeError, TrainingConfigError) as error:
            differences = [f"{RUN} cannot be read: {error}"]
        if differences:
            raise TrainingError(
                f"{self.path}: holds a run with another configuration, and nothing of it was changed; "
                "give another output, or the settings it was begun with:\n  "
                + "\n  ".join(differences)
            )

    @property
    def finished(self) -> bool:
        """Whether the model at the end was written."""
        return (self.path / MODEL).exists()

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Make it ours, and keep other runs out until the end; what was half written is removed.

        Raises:
            TrainingError: another run writes to it, or has just finished it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        held = lock(self.path, TrainingError)
        try:
            if self.finished:
                raise TrainingError(f"{self.path}: another run has just finished it.")
            if not (self.path / RUN).exists():
                replace_text(self.path / RUN, json.dumps(self.made_from, indent=1) + "\n")
            for half in self.checkpoints(whole=False):
                _log.warning("%s: half written, removed", half)
                shutil.rmtree(half)
            shutil.rmtree(self.path / PARTIAL, ignore_errors=True)
            if whole := self.checkpoints():
                _log.warning("going on from %s", whole[-1])
            yield
        finally:
            unlock(self.path, held)

    def checkpoints(self, whole: bool = True) -> list[Path]:
        """Those that are whole, or those that are half written, oldest first."""
        named = self.path.glob("checkpoint-*")
        # A copy that somebody keeps beside them is not ours.
        ours = [path for path in named if path.name[11:].isdecimal() and path.is_dir()]
        ours = [path for path in ours if is_whole(path) is whole]
        return sorted(ours, key=lambda path: int(path.name[11:]))

    @property
    def kept(self) -> str:
        """Where the run would go on, for a message."""
        whole = self.checkpoints()
        return f"the last checkpoint is {whole[-1]}" if whole else "there is no checkpoint yet"

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Around what other libraries write here.

        Raises:
            TrainingError: it could not be written.
        """
        try:
            yield
        except PytraceMonoError:
            raise
        except Exception as error:  # each library has an error of its own for a full disk
            raise TrainingError(
                f"{self.path}: {what} could not be written: {error}; {self.kept}. Free the disk and run "
                "the same command again."
            ) from error

    def complete(self, step: int) -> None:
        """Declare the checkpoint of ``step`` whole, and only then remove the oldest ones."""
        checkpoint = self.path / f"checkpoint-{step}"
        (checkpoint / _COMPLETE).unlink(missing_ok=True)
        files = [file for file in sorted(checkpoint.rglob("*")) if file.is_file()]
        sizes = {str(file.relative_to(checkpoint)): file.stat().st_size for file in files}
        replace_text(checkpoint / _COMPLETE, json.dumps({"files": sizes}, indent=1) + "\n")
        for old in self.checkpoints()[: -self.config.keep]:
            (old / _COMPLETE).unlink()
            shutil.rmtree(old)


def is_whole(checkpoint: Path) -> bool:
    """Whether every file of a checkpoint was written to its end."""
    try:
        files = json.loads((checkpoint / _COMPLETE).read_bytes())["files"]
        return all((checkpoint / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False


def require_model(path: Path) -> None:
    """Stop where a directory of a run is given that holds no model one can use.

    Raises:
        TrainingError: it is a half-written checkpoint, or the run's directory itself.
    """
    if path.name.startswith("checkpoint-") and (path.parent / RUN).exists() and not is_whole(path):
        raise TrainingError(
            f"{path}: this checkpoint is half written; use an older one, or run `pytrace-mono train` "
            "with the same configuration again, which goes on from there."
        )
    if (path / RUN).exists():
        raise TrainingError(
            f"{path}: the directory of a run; give the model in it: {path / MODEL} once it is finished, "
            "or one of its checkpoints."
        )


def _versions() -> dict[str, str]:
    """Of this package, Python and what a result depends on."""
    ours = {"pytrace_mono": pytrace_mono.__version__, "python": platform.python_version()}
    names = ("torch", "transformers", "accelerate", "peft", "tokenizers")
    return ours | {name: version(name) for name in names}
