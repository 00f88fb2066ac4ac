"""The one configuration of a training run, from a recipe or a YAML file and ``--set key=value``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pytrace_mono.errors import TrainingConfigError
from pytrace_mono.train.rows import TrainingTask

_Weight = Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)]
_RECIPES = resources.files("pytrace_mono.train") / "configs"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScratchConfig(_Strict):
    """A Llama with random weights and a tokenizer made from the rows, instead of a model to load.

    Attributes:
        hidden: width of the model; a multiple of ``heads``.
        layers: decoder layers.
        heads: attention heads.
        words: most tokens of the tokenizer's vocabulary.
    """

    hidden: int = Field(64, gt=0, le=65_536)
    layers: int = Field(2, gt=0, le=1_000)
    heads: int = Field(4, gt=0)
    words: int = Field(1024, gt=300, le=1_000_000)


class LoraConfig(_Strict):
    """Low-rank adapters on every linear layer of the decoder (Hu et al., arXiv 2106.09685).

    Attributes:
        rank: of each adapter.
        alpha: an adapter's output is scaled by ``alpha / rank``.
        quantize: keep the frozen weights in 4 bits (QLoRA, arXiv 2305.14314); needs CUDA.
    """

    rank: int = Field(16, gt=0)
    alpha: int = Field(32, gt=0)
    quantize: bool = False


class TrainConfig(_Strict):
    """Everything that decides a run.

    Attributes:
        model: a directory or a name on the Hugging Face hub; not with ``scratch``.
        scratch: begin with random weights.
        data: corpora and files of rows (see ``rows``).
        output: directory of the run; the same command goes on where it was stopped.
        seed: of the order of the rows, the packing, the rounding and new weights.
        context: most tokens of a row; longer ones are dropped and counted.
        pass_tokens: most tokens that go through the model at once: documents end to end.
        epochs: how often the rows are shown.
        samples_per_step: documents in one step of the optimizer, over all processes.
        learning_rate: at the top of the schedule.
        min_learning_rate: at its end; a cosine lies between.
        warmup_steps: linear, from 0.
        weight_decay: of AdamW, on matrices.
        max_grad_norm: gradients are scaled down to this norm.
        mix: how often an epoch shows each task's rows (see ``steps.epoch_order``).
        held_out: share of the programs whose rows are not trained on but evaluated.
        evaluate_every: steps between evaluations; there is one at the end in any case.
        save_every: steps between checkpoints.
        keep: checkpoints kept.
        precision: ``stochastic``: bf16 weights and moments, rounded stochastically; ``mixed``: fp32
            weights and moments, bf16 arithmetic; ``fp32``.
        gradients: dtype in which ``stochastic`` accumulates gradients.
        moments: in which ``stochastic`` keeps them; ``8-bit``: block-wise (see ``blocks``).
        checkpointing: share of the layers whose activations are computed again in the backward pass.
        lora: train adapters instead of the weights.
        fsdp: shard weights, gradients and moments over the processes (FSDP2).
        deepspeed: a DeepSpeed configuration, used instead.
    """

    model: str | None = None
    scratch: ScratchConfig | None = None
    data: Annotated[
        tuple[Path, ...], BeforeValidator(lambda given: [given] if type(given) is str else given)
    ] = Field(min_length=1)
    output: Path
    seed: int = Field(0, ge=0, lt=2**32)
    context: int = Field(2048, gt=1, le=1_000_000_000)
    pass_tokens: int = Field(8192, gt=1, le=1_000_000_000)
    epochs: int = Field(2, gt=0, le=10_000)
    samples_per_step: int = Field(512, gt=0)
    learning_rate: float = Field(5e-5, gt=0, allow_inf_nan=False)
    min_learning_rate: float = Field(5e-6, ge=0, allow_inf_nan=False)
    warmup_steps: int = Field(0, ge=0)
    weight_decay: float = Field(0.0, ge=0, allow_inf_nan=False)
    max_grad_norm: float = Field(1.0, gt=0)
    mix: dict[TrainingTask, _Weight] = Field(default_factory=dict)
    held_out: float = Field(0.01, ge=0, lt=1)
    evaluate_every: int = Field(100, gt=0)
    save_every: int = Field(50, gt=0)
    keep: int = Field(2, gt=0)
    precision: Literal["stochastic", "mixed", "fp32"] = "stochastic"
    gradients: Literal["bf16", "fp32"] = "fp32"
    moments: Literal["bf16", "8-bit"] = "bf16"
    checkpointing: float = Field(1.0, ge=0, le=1)
    lora: LoraConfig | None = None
    fsdp: bool = False
    deepspeed: Path | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> TrainConfig:
        rounded = self.precision == "stochastic"
        problems = {
            "give either model or scratch": (self.model is None) == (self.scratch is None),
            "pass_tokens must be at least context": self.pass_tokens < self.context,
            "min_learning_rate is above learning_rate": self.min_learning_rate > self.learning_rate,
            "scratch.hidden must be an even multiple of scratch.heads": self.scratch is not None
            and self.scratch.hidden % (2 * self.scratch.heads) != 0,
            "moments=8-bit needs precision=stochastic": self.moments == "8-bit" and not rounded,
            "lora.quantize needs model: random weights are not kept in 4 bits": (
                self.scratch is not None and self.lora is not None and self.lora.quantize
            ),
            "give either fsdp or deepspeed": self.fsdp and self.deepspeed is not None,
            "sharded weights have real masters: set precision=mixed (or fp32) with fsdp or deepspeed": (
                self.sharded and rounded
            ),
        }
        wrong = [words for words, holds in problems.items() if holds]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def sharded(self) -> bool:
        """Whether each process keeps a share of the weights, gradients and moments."""
        return self.fsdp or self.deepspeed is not None

    def differences(self, other: TrainConfig) -> list[str]:
        """Where ``other`` differs, as ``key: mine, not theirs``; the output aside."""
        mine, theirs = (c.model_dump(mode="json", exclude={"output"}) for c in (self, other))
        return [
            f"{key}: {mine[key]}, not {theirs[key]}" for key in mine if mine[key] != theirs[key]
        ]


def recipes() -> list[str]:
    """The names of the recipes that come with the package."""
    return sorted(item.name.removesuffix(".yaml") for item in _RECIPES.iterdir())


def load_config(name: str, settings: Sequence[str] = ()) -> TrainConfig:
    """A recipe or a YAML file, with settings changed.

    Args:
        name: of a recipe, or path of a YAML file.
        settings: ``key=value`` or ``lora.rank=8``; the value is read as YAML.

    Raises:
        TrainingConfigError: there is no such file, or a key or value is not possible.
    """
    file = _RECIPES / f"{name}.yaml" if name in recipes() else Path(name)
    setting = ""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        if not isinstance(content, dict):
            raise TrainingConfigError(f"{name}: keys and values are expected, as in `epochs: 2`")
        for setting in settings:
            key, equals, value = setting.partition("=")
            if not equals:
                raise TrainingConfigError(f"--set {setting}: give key=value, as in `epochs=2`")
            *parents, last = key.split(".")
            inner = content
            for parent in parents:
                if not isinstance(inner.get(parent), dict):
                    inner[parent] = {}
                inner = inner[parent]
            inner[last] = yaml.safe_load(value)
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingConfigError(
            f"{name}: cannot be read ({error}); give a YAML file or a recipe: {', '.join(recipes())}."
        ) from None
    except (yaml.YAMLError, ValueError) as error:  # YAML's own dates, as in 2026-13-45
        raise TrainingConfigError(f"{setting or name}: not YAML: {error}") from None
    return config_of(content, name)


def config_of(content: dict[str, Any], where: str) -> TrainConfig:
    """The configuration of these keys and values.

    Raises:
        TrainingConfigError: one line for each key that is unknown, missing or not possible.
    """
    try:
        return TrainConfig.model_validate(content)
    except ValidationError as error:
        lines = [_explained(problem) for problem in error.errors()]
        raise TrainingConfigError(f"{where}: " + "\n  ".join(lines)) from None


def _explained(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{key} is not given; add it, or --set {key}=…"
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, TrainConfig.model_fields, 1)
        return f"{key!r} is no setting" + (f"; did you mean {near[0]!r}?" if near else "")
    if problem["input"] is None:
        return f"{key} has no value; give one, as in --set {key}=…"
    words = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {words}, not {problem['input']!r:.100}" if key else words
