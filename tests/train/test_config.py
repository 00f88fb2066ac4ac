"""One configuration: a recipe or a file, changed by settings, refused with a clear word."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="needs the extra [train]")

from pytrace_mono.errors import TrainingConfigError
from pytrace_mono.train.config import load_config, recipes

WHERE = ("data=corpus/", "output=out")


def test_semcoders_recipe_is_the_papers() -> None:
    config = load_config("semcoder-6.7b", WHERE)
    assert config.model == "deepseek-ai/deepseek-coder-6.7b-base"
    assert (config.epochs, config.samples_per_step, config.context) == (2, 512, 2048)
    assert (config.learning_rate, config.min_learning_rate) == (5e-5, 5e-6)


def test_every_recipe_can_be_used_by_name() -> None:
    assert recipes() == ["lora", "refine", "semcoder-6.7b", "tiny-cpu"]
    for name in recipes():
        more = ("model=m",) if name == "refine" else ()
        config = load_config(name, (*WHERE, *more))
        assert config.data == (Path("corpus"),)


def test_settings_change_a_file_and_reach_inside(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("model: m\ndata: [a.jsonl, b.jsonl]\noutput: out\nlora: {rank: 4}\n")
    config = load_config(str(file), ("lora.alpha=5", "learning_rate=5e-5", "mix.nl=2"))
    assert config.lora is not None
    assert (config.lora.rank, config.lora.alpha) == (4, 5)
    assert (config.learning_rate, config.mix) == (5e-5, {"nl": 2.0})
    assert len(config.data) == 2


def test_what_differs_is_told_but_for_the_output() -> None:
    config = load_config("tiny-cpu", WHERE)
    assert config.differences(load_config("tiny-cpu", ("data=corpus/", "output=else"))) == []
    other = load_config("tiny-cpu", (*WHERE, "epochs=1"))
    assert config.differences(other) == ["epochs: 60, not 1"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (("epoch=1",), "'epoch' is no setting; did you mean 'epochs'?"),
        (("epochs=none",), "epochs: Input should be a valid integer"),
        (("epochs",), "--set epochs: give key=value"),
        (("learning_rate=.nan",), "learning_rate: Input should be a finite number, not nan"),
        (("context=9000",), "pass_tokens must be at least context"),
        (("model=m",), "give either model or scratch"),
        (("fsdp=true", "precision=stochastic"), "set precision=mixed (or fp32)"),
        (("scratch.heads=3",), "scratch.hidden must be an even multiple"),
        (("mix.code=1",), "mix.code.[key]: Input should be 'nl'"),
        (("mix.nl=-1",), "mix.nl: Input should be greater than or equal to 0"),
        (("mix.nl=.inf",), "mix.nl: Input should be a finite number"),
        (("seed=4294967296",), "seed: Input should be less than 4294967296"),
        (("epochs=99999999999999999999",), "epochs: Input should be less than or equal to 10000"),
        (("scratch.words=99999999999999999999",), "scratch.words: Input should be less than"),
        (("data=[",), "data=[: not YAML"),
        (("data=",), "data has no value; give one"),
        (("output=",), "output has no value; give one"),
        (("output=2026-13-45",), "output=2026-13-45: not YAML"),  # which takes it for a date
        (("lora.quantize=true",), "lora.quantize needs model"),
        (("mix.nl=1000000000",), "mix.nl: Input should be less than or equal to 1000"),
        (("pass_tokens=99999999999999999999",), "pass_tokens: Input should be less than"),
    ],
)
def test_what_cannot_be_is_told(settings: tuple[str, ...], told: str) -> None:
    with pytest.raises(TrainingConfigError) as error:
        load_config("tiny-cpu", (*WHERE, *settings))
    assert told in str(error.value)


def test_what_is_missing_and_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        TrainingConfigError, match=r"output is not given; add it, or --set output=…"
    ):
        load_config("tiny-cpu", ("data=corpus/",))
    with pytest.raises(TrainingConfigError, match=r"or a recipe: lora, refine, semcoder-6.7b"):
        load_config(str(tmp_path / "none.yaml"))
