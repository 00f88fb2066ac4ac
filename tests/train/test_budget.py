"""What a run is said to take is what it takes, and what does not fit is said before it begins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import config_for

torch = pytest.importorskip("torch", reason="needs the extra [train]")
transformers = pytest.importorskip("transformers", reason="needs the extra [train]")

from pytrace_mono.errors import TrainingDataError, TrainingError  # noqa: E402
from pytrace_mono.train import budget, memory, meter, run  # noqa: E402
from pytrace_mono.train.config import TrainConfig, load_config  # noqa: E402
from pytrace_mono.train.meter import Flops, peak_flops  # noqa: E402
from pytrace_mono.train.model import load_model, load_tokenizer  # noqa: E402
from pytrace_mono.train.steps import Step  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
DEEPSEEK_CODER = transformers.LlamaConfig(
    vocab_size=32_256, hidden_size=4096, intermediate_size=11_008, num_hidden_layers=32,
    num_attention_heads=32,
)  # fmt: skip
H100 = ("NVIDIA H100 80GB HBM3", 85_000_000_000)


def recipe(*settings: str) -> TrainConfig:
    return load_config("semcoder-6.7b", ("data=d", "output=o", *settings))


def test_flops_of_the_paper_model_are_those_of_the_formula() -> None:
    flops = Flops.of(memory.shape_of(recipe(), DEEPSEEK_CODER, 32))
    matrices = 32 * (4 * 4096**2 + 3 * 4096 * 11_008)
    assert (flops.matrices, flops.head) == (matrices, 4096 * 32_256)
    per_token = flops.of_step(Step([], tokens=1024, labels=1024, squares=1024**2)) / 1024
    assert per_token == 6 * (matrices + 4096 * 32_256) + 6 * 32 * 4096 * 1024
    adapted = Flops.of(
        memory.shape_of(load_config("lora", ("data=d", "output=o")), DEEPSEEK_CODER, 32)
    )
    assert adapted == Flops(matrices, flops.head, 32 * 4096, 4)


def test_weights_gradients_and_moments_are_counted() -> None:
    count = 32 * (4 * 4096**2 + 3 * 4096 * 11_008 + 2 * 4096) + 2 * 32_256 * 4096 + 4096
    taken = memory.memory_of(recipe(), DEEPSEEK_CODER, 1, False)
    assert (taken.weights, taken.gradients, taken.moments) == (2 * count, 4 * count, 4 * count)
    narrow = memory.memory_of(recipe("gradients=bf16", "moments=8-bit"), DEEPSEEK_CODER, 1, False)
    assert narrow.gradients == 2 * count
    small = 65 * 4096  # the norms stay in bf16
    assert narrow.moments == 2 * (count - small) * 260 // 256 + 4 * small
    sharded = memory.memory_of(recipe("precision=mixed", "fsdp=true"), DEEPSEEK_CODER, 8, False)
    assert (sharded.weights, sharded.moments) == (4 * count // 8, 8 * count // 8)


def test_the_recipe_fits_on_80_gb_and_what_does_not_is_told_with_what_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On CUDA, where layers of plain weights are compiled."""

    def need(config: TrainConfig, description: Any) -> memory.Memory:
        quantized = config.lora is not None and config.lora.quantize
        return memory.memory_of(config, description, 1, not quantized)

    def require_fit(config: TrainConfig, name: str, has: int) -> None:
        monkeypatch.setattr(budget, "device_found", lambda: (name, has))
        budget.require_fit(config, DEEPSEEK_CODER)

    monkeypatch.setattr(budget, "memory_here", need)
    require_fit(recipe(), *H100)
    with pytest.raises(TrainingError, match=r"needs .* The nearest setting that fits") as error:
        require_fit(recipe("precision=mixed", "checkpointing=0.5"), *H100)
    assert "--set precision=stochastic" in str(error.value)
    assert "lora" not in str(error.value)
    with pytest.raises(TrainingError, match=r"--set lora.rank=16") as error:
        require_fit(recipe(), "NVIDIA A10G", 24_000_000_000)
    with pytest.raises(TrainingError, match="No setting makes it fit"):
        require_fit(recipe(), "NVIDIA T400", 2_000_000_000)


def test_a_run_that_does_not_fit_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "device_found", lambda: ("a pocket calculator", 1000))
    config = config_for(tmp_path)
    with pytest.raises(TrainingError, match=r"a pocket calculator has 0\.0 GB"):
        run.train(config, quiet=True)
    assert not config.output.exists()


def test_a_dry_run_says_what_it_would_take_and_writes_nothing(tmp_path: Path) -> None:
    config = config_for(tmp_path, held_out=0)
    told = budget.dry_run(config)
    assert "rows to learn from: 32, held out: 0" in told
    assert "backward: 16 rows" in told
    assert "steps: 8 of 8 samples (2 epochs), " in told
    for word in (
        "padding",
        "weights",
        "gradients",
        "moments",
        "activations",
        "GFLOP a token",
        "fits",
    ):
        assert word in told
    assert not config.output.exists()


def test_a_dry_run_refuses_an_output_as_the_run_would(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    for output, told in (("thesis.tex", "no training run"), ("thesis.tex/run", "cannot be made")):
        config = config_for(tmp_path, output=str(tmp_path / output))
        for work in (budget.dry_run, run.train):
            with pytest.raises(TrainingError, match=told):
                work(config)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_weights_that_leave_no_row_are_refused(tmp_path: Path) -> None:
    for weight in (0, 0.01):  # a hundredth of 16 rows, twice, is none either
        config = config_for(tmp_path, held_out=0, mix={"forward": weight, "backward": weight})
        for work in (budget.dry_run, run.train):
            with pytest.raises(TrainingDataError, match=r"none of the 32 rows .* in 2 epochs"):
                work(config)
    assert not config.output.exists()


def test_no_setting_is_named_that_the_run_would_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4 bits need CUDA, and a model that was there before."""
    scratch, loaded = config_for(tmp_path), recipe()
    for has, expected in ((False, (False, False)), (True, (False, True))):
        monkeypatch.setattr(torch.cuda, "is_available", lambda has=has: has)
        named = [
            any(setting == "lora.quantize=true" for setting, _ in budget._savings(config))
            for config in (scratch, loaded)
        ]
        assert tuple(named) == expected


def test_the_worst_pass_is_full_and_can_be_run(tmp_path: Path) -> None:
    config = config_for(tmp_path, context=100, pass_tokens=250)
    row = budget.worst_pass(config)
    assert [len(document) for document in row] == [100, 100, 50]
    model = load_model(config, load_tokenizer(config, run.read_all(config)))
    seconds, most = budget.worst_step(config, model, torch.device("cpu"))
    assert seconds > 0
    assert most > 0


def test_a_gpu_is_known_by_its_name() -> None:
    assert peak_flops("NVIDIA H100 80GB HBM3") == 989.4e12
    assert peak_flops("NVIDIA H100 PCIe") == 756e12
    assert peak_flops("NVIDIA GH200 480GB") == 989.4e12
    assert peak_flops("NVIDIA L4") == 121e12
    assert peak_flops("NVIDIA L40") == 181e12
    assert peak_flops("NVIDIA L40S") == 362e12
    assert peak_flops("CPU") is None


def test_mfu_is_the_work_of_the_formula_over_time_and_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 70 * 10**9)
    monkeypatch.setattr(meter, "device_found", lambda: H100)
    flops = Flops(matrices=10**9, head=10**8, attention=10**5, per_weight=6)
    step = Step([], tokens=20_000, labels=10_000, squares=10**7)
    work = 6 * (10**9 * 20_000 + 10**8 * 10_000) + 6 * 10**5 * 10**7
    assert meter.measured(flops, step, seconds=2.0, devices=2) == {
        "tokens_per_second": 10_000,
        "mfu": pytest.approx(work / 2 / (2 * 989.4e12)),
        "peak_memory_gb": 70,
    }


MEASURED = """
import sys, torch
from pytrace_mono.train import budget
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.finetune import losses_of
from pytrace_mono.train.memory import memory_of
from pytrace_mono.train.meter import peak_memory
from pytrace_mono.train.model import load_model, model_config
torch.set_num_threads(1)
class Words:
    bos_token_id, eos_token_id = 0, 1
    def __len__(self): return 4000
config = TrainConfig.model_validate_json(sys.argv[1])
model = load_model(config, Words())
small = config.model_copy(update={"context": 8, "pass_tokens": 8})
losses_of(model, budget.worst_pass(small), small, torch.device("cpu")).sum().backward()
before = peak_memory()
losses_of(model, budget.worst_pass(config), config, torch.device("cpu")).sum().backward()
taken = memory_of(config, model_config(config, Words()), 1, False)
print(peak_memory() - before, taken.activations)
"""


@pytest.mark.slow
@pytest.mark.parametrize("checkpointing", [0.0, 1.0])
def test_the_activations_are_those_that_a_process_holds(
    tmp_path: Path, checkpointing: float
) -> None:
    """Resident memory of a process of its own, around one pass on the CPU."""
    config = config_for(
        tmp_path, scratch={"hidden": 256, "layers": 8, "heads": 4, "words": 4000},
        context=512, pass_tokens=8192, checkpointing=checkpointing,
    )  # fmt: skip
    # Memory that is freed goes back at once, instead of leaving gaps that the C library keeps.
    environment = os.environ | {
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "65536",
    }
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, config.model_dump_json()], env=environment,
        text=True, capture_output=True, check=True,
    )  # fmt: skip
    measured, estimated = map(int, done.stdout.split())
    print(
        f"checkpointing {checkpointing}: {measured / 1e6:.0f} MB, estimated {estimated / 1e6:.0f} MB"
    )
    assert estimated == pytest.approx(measured, rel=0.2)
