"""A run from rows to a model: it learns, goes on exactly where it was stopped, and refuses in time."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from runs import config_for, losses_in, weights_in, write_rows

torch = pytest.importorskip("torch", reason="needs the extra [train]")
pytest.importorskip("transformers", reason="needs the extra [train]")

from pytrace_mono.errors import PrerequisiteError, TrainingDataError, TrainingError  # noqa: E402
from pytrace_mono.train import arguments, finetune, run  # noqa: E402
from pytrace_mono.train.config import TrainConfig  # noqa: E402
from pytrace_mono.train.data import Data, digests_of  # noqa: E402
from pytrace_mono.train.generate import complete  # noqa: E402
from pytrace_mono.train.rundir import RunDirectory, is_whole, require_model  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(
    scope="module",
    params=[{"precision": "fp32"}, {"precision": "stochastic", "moments": "8-bit"}],
    ids=["fp32", "stochastic"],
)
def straight(request: Any, tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """A run that was never stopped."""
    config = config_for(tmp_path_factory.mktemp("straight"), **request.param)
    run.train(config, quiet=True)
    return config


def again(config: TrainConfig, output: Path) -> TrainConfig:
    return config.model_copy(update={"output": output})


def same(left: Path, right: Path) -> None:
    assert losses_in(left) == losses_in(right)
    mine, theirs = weights_in(left / "model"), weights_in(right / "model")
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """As if the process were interrupted in that step."""
    original = finetune.FineTuner.training_step

    def stopping(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step == step:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    monkeypatch.setattr(finetune.FineTuner, "training_step", stopping)


def test_a_run_leaves_a_model_that_loads_with_all_that_belongs_to_it(
    straight: TrainConfig,
) -> None:
    import transformers

    model = straight.output / "model"
    names = {"model.safetensors", "tokenizer.json", "generation_config.json", "README.md"}
    assert names <= {file.name for file in model.iterdir()}
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(model)
    assert loaded.generation_config.eos_token_id == tokenizer.eos_token_id
    assert loaded.num_parameters() > 0
    card = (model / "README.md").read_text()
    digest = next(iter(json.loads((straight.output / "run.json").read_text())["data"].values()))
    assert digest in card
    assert f"torch: {version('torch')}" in card
    for picture in ("loss.png", "throughput.png"):
        assert (straight.output / picture).read_bytes().startswith(b"\x89PNG")


def test_the_log_has_a_line_for_each_step_and_each_evaluation(straight: TrainConfig) -> None:
    lines = [json.loads(line) for line in (straight.output / "log.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines if "loss" in line]
    assert steps == list(range(1, len(steps) + 1))
    assert {"loss_forward", "loss_backward", "tokens_per_second", "peak_memory_gb"} <= set(lines[0])
    evaluated = [line["step"] for line in lines if "eval_loss" in line]
    assert evaluated == sorted({*range(3, len(steps) + 1, 3), len(steps)})
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("step", [1, 4, 5])
def test_a_stopped_run_goes_on_exactly(
    straight: TrainConfig, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = again(straight, tmp_path / "run")
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        with pytest.raises(KeyboardInterrupt):
            run.train(config, quiet=True)
    run.train(config, quiet=True)
    same(straight.output, config.output)


def test_a_finished_run_is_left_as_it_is(
    straight: TrainConfig, caplog: pytest.LogCaptureFixture
) -> None:
    before = {file: file.stat().st_mtime_ns for file in straight.output.rglob("*")}
    assert run.train(straight, quiet=True) == straight.output / "model"
    assert "this run is finished" in caplog.text
    assert {file: file.stat().st_mtime_ns for file in straight.output.rglob("*")} == before


def test_a_run_with_another_configuration_or_other_rows_is_refused(
    straight: TrainConfig, tmp_path: Path
) -> None:
    other = straight.model_copy(update={"epochs": 3})
    with pytest.raises(TrainingError, match=r"another configuration.*\n  epochs: 3, not 2"):
        run.train(other, quiet=True)
    copy = again(straight, tmp_path / "run")
    shutil.copytree(straight.output, copy.output)
    rows = write_rows(tmp_path / "rows.jsonl", 8)
    with pytest.raises(TrainingError, match=r"(?s)data: .*the rows in the data are not those"):
        run.train(copy.model_copy(update={"data": (rows,)}), quiet=True)


def test_a_directory_of_something_else_is_not_touched(tmp_path: Path) -> None:
    config = config_for(tmp_path)
    config.output.mkdir()
    (config.output / "thesis.tex").write_text("years of work")
    with pytest.raises(TrainingError, match="holds something that is no training run"):
        run.train(config, quiet=True)
    assert [file.name for file in config.output.iterdir()] == ["thesis.tex"]


def test_a_directory_in_which_a_run_was_killed_as_it_began_is_taken(tmp_path: Path) -> None:
    config = config_for(tmp_path)
    config.output.mkdir()
    (config.output / ".running").write_text("process 1")
    run.train(config, quiet=True)


def test_a_directory_that_may_not_be_written_to_is_told_in_time(
    straight: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    with pytest.raises(TrainingError, match=r"a link that leads nowhere"):
        run.train(again(straight, tmp_path / "nowhere"), quiet=True)
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever runs the tests may be root
    with pytest.raises(TrainingError, match=r"may not be written to; give another output"):
        run.train(again(straight, tmp_path / "run"), quiet=True)
    assert run.train(straight, quiet=True) == straight.output / "model"


@pytest.mark.parametrize("content", ["[]", "3", '{"files": []}', '{"files": {"x": 1}}', ""])
def test_a_checkpoint_whose_list_of_files_is_damaged_is_half_written(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "complete.json").write_text(content)
    assert not is_whole(tmp_path)


def test_a_copy_of_a_checkpoint_is_left_alone(straight: TrainConfig, tmp_path: Path) -> None:
    copy = again(straight, tmp_path / "run")
    shutil.copytree(straight.output, copy.output, ignore=lambda *_: ["model"])
    best = copy.output / "checkpoint-best"
    (copy.output / "checkpoint-6").rename(best)
    (best / "complete.json").unlink()
    run.train(copy, quiet=True)
    assert (best / "trainer_state.json").exists()
    same(straight.output, copy.output)


@pytest.mark.parametrize("content", ["[]", "{", '{"config": {}}', "3"])
def test_a_damaged_description_of_a_run_is_told(tmp_path: Path, content: str) -> None:
    config = config_for(tmp_path)
    config.output.mkdir()
    (config.output / "run.json").write_text(content)
    with pytest.raises(TrainingError, match=r"run\.json cannot be read"):
        run.train(config, quiet=True)


def test_two_runs_do_not_write_to_one_directory(straight: TrainConfig, tmp_path: Path) -> None:
    copy = again(straight, tmp_path / "run")
    shutil.copytree(straight.output, copy.output, ignore=lambda *_: ["model", "checkpoint-6"])
    before = sorted(copy.output.rglob("*"))
    first = RunDirectory(copy, digests_of(copy))
    with first.begun():
        (copy.output / "checkpoint-5").mkdir()  # being written by the first
        with pytest.raises(TrainingError, match="another run is writing here"):
            run.train(copy, quiet=True)
    (copy.output / "checkpoint-5").rmdir()  # the second has not taken it for half written
    assert sorted(copy.output.rglob("*")) == before
    (copy.output / "model").mkdir()
    with pytest.raises(TrainingError, match="another run has just finished it"), first.begun():
        pass


@pytest.mark.parametrize("step", [2, None], ids=["checkpoint", "model"])
def test_a_full_disk_is_one_message_below_the_bar_and_the_run_goes_on_exactly(
    straight: TrainConfig,
    step: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = again(straight, tmp_path / "run")
    save = finetune.FineTuner.save_model

    def full(self: Any, directory: str, _internal_call: bool = False) -> None:
        if (self.state.global_step == step) if step else "checkpoint" not in directory:
            limit = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limit[1]))
            try:
                save(self, directory, _internal_call)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        save(self, directory, _internal_call)

    with monkeypatch.context() as patch:
        patch.setattr(finetune.FineTuner, "save_model", full)
        kept = "there is no checkpoint yet" if step else "the last checkpoint is .*checkpoint-7"
        with pytest.raises(TrainingError, match=rf"could not be written: .*{kept}.*same command"):
            run.train(config)
    assert capsys.readouterr().err.endswith("\n")
    run.train(config, quiet=True)
    same(straight.output, config.output)


def test_a_task_without_rows_and_rows_that_are_all_too_long_are_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"task 'repair' has the weight 1.0 and no row"):
        run.train(config_for(tmp_path, mix={"repair": 1}), quiet=True)
    with pytest.raises(TrainingDataError, match=r"no row to learn from among 32 .* too_long"):
        run.train(config_for(tmp_path, context=20), quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_before_the_weights_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_for(tmp_path)
    original = finetune.losses_of

    def broken(model: Any, *args: Any) -> Any:
        step = next(iter(trainer.optimizer.state.values()), {}).get("step", 0)
        return original(model, *args) * (float("nan") if step >= 3 and model.training else 1.0)

    trainer: Any = None
    construct = finetune.FineTuner.__init__

    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal trainer
        trainer = self
        construct(self, *args, **kwargs)

    monkeypatch.setattr(finetune.FineTuner, "__init__", remember)
    monkeypatch.setattr(finetune, "losses_of", broken)
    with pytest.raises(TrainingError, match=r"step 4: the loss is nan.*checkpoint-2"):
        run.train(config, quiet=True)
    assert is_whole(config.output / "checkpoint-2")
    assert all(weight.isfinite().all() for weight in trainer.model.parameters())


def test_a_half_written_checkpoint_is_told_and_never_loaded(
    straight: TrainConfig, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(straight.output, copy)
    checkpoint = max(copy.glob("checkpoint-*"))
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(TrainingError, match="half written"):
        require_model(checkpoint)
    with pytest.raises(TrainingError, match="give the model in it"):
        require_model(copy)
    require_model(copy / "model")


def test_a_tiny_model_learns_32_monologues_by_heart_and_says_them(tmp_path: Path) -> None:
    config = config_for(
        tmp_path, scratch={"hidden": 128, "layers": 1, "heads": 8, "words": 400}, held_out=0,
        epochs=45, samples_per_step=8, save_every=1000, pass_tokens=2048,
        learning_rate=5e-3, min_learning_rate=1e-4, warmup_steps=5,
    )  # fmt: skip
    run.train(config, quiet=True)
    assert losses_in(config.output)[-1][1] < 0.1
    model = str(config.output / "model")
    said = [complete(model, row.prompt, 100) == row.completion for row in run.read_all(config)[::8]]
    assert sum(said) >= 3


def test_a_model_on_the_disk_is_tuned_further(straight: TrainConfig, tmp_path: Path) -> None:
    from huggingface_hub import ModelCard

    before = str(straight.output / "model")
    config = straight.model_copy(
        update={"scratch": None, "model": before, "output": tmp_path / "run", "epochs": 1}
    )
    run.train(config, quiet=True)
    assert losses_in(config.output)[0][1] < 0.95 * losses_in(straight.output)[0][1]
    card = ModelCard.load(config.output / "model" / "README.md")
    assert card.data.to_dict().keys() == {"library_name", "pipeline_tag"}  # a path is no base_model
    assert f"  model: {before}" in card.text
    named = RunDirectory(config.model_copy(update={"model": "a/b", "output": tmp_path / "x"}), {})
    text = run.model_card(named, Data([], [], Counter()), [])
    assert ModelCard(text).data.base_model == "a/b"


def test_a_model_that_does_not_load_or_fit_its_tokenizer_is_told_before_anything_is_written(
    straight: TrainConfig, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM

    other = tmp_path / "model"
    shutil.copytree(straight.output / "model", other)
    config = straight.model_copy(
        update={"scratch": None, "model": str(other), "output": tmp_path / "run"}
    )
    smaller = AutoModelForCausalLM.from_pretrained(other)
    smaller.resize_token_embeddings(300)
    smaller.save_pretrained(other)
    with pytest.raises(TrainingError, match=r"the tokenizer has \d+ tokens, the model 300"):
        run.train(config, quiet=True)
    (other / "config.json").write_text("{}")
    with pytest.raises(TrainingError, match=r"its model cannot be loaded: .*\n  Give a directory"):
        run.train(config, quiet=True)
    (other / "tokenizer.json").unlink()
    with pytest.raises(TrainingError, match="its tokenizer cannot be loaded"):
        run.train(config, quiet=True)
    assert not config.output.exists()


def test_the_optimizer_is_the_one_that_rounds_where_weights_are_bf16(straight: TrainConfig) -> None:
    state = torch.load(
        max(straight.output.glob("checkpoint-*")) / "optimizer.pt", weights_only=True
    )["state"]
    stochastic = {torch.uint8, torch.bfloat16}  # the small ones are not kept in 8 bits
    expected = stochastic if straight.precision == "stochastic" else {torch.float32}
    assert {entry["exp_avg"].dtype for entry in state.values()} == expected


def test_adapters_are_trained_go_on_exactly_and_are_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("peft", reason="needs the extra [train]")
    straight = config_for(
        tmp_path, lora={"rank": 4}, learning_rate=1e-2, precision="stochastic", checkpointing=1.0
    )
    run.train(straight, quiet=True)
    losses = [loss for _, loss in losses_in(straight.output)]
    assert losses[-1] < losses[0]
    assert (straight.output / "adapter" / "adapter_model.safetensors").exists()
    merged = weights_in(straight.output / "model")
    assert not any("lora" in name for name in merged)
    stopped = again(straight, tmp_path / "stopped")
    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            run.train(stopped, quiet=True)
    run.train(stopped, quiet=True)
    same(straight.output, stopped.output)


KILLED = """
import os, signal, sys, torch
from pytrace_mono.cli import main
save, calls, at = torch.save, 0, int(sys.argv.pop(1))
def dying(content, where):
    global calls
    calls += 1
    if calls == at:
        with open(where, "wb") as stream:
            stream.write(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    save(content, where)
torch.save = dying
sys.exit(main(["train", *sys.argv[1:]]))
"""


def command(config: TrainConfig, tmp_path: Path) -> list[str]:
    file = tmp_path / "config.yaml"
    file.write_text(config.model_dump_json(exclude_none=True))  # JSON is YAML
    return [str(file), "--quiet"]


def spawn(arguments: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | settings
    return subprocess.run(arguments, text=True, capture_output=True, env=environment, check=False)


@pytest.mark.slow
def test_a_run_killed_during_and_between_checkpoints_goes_on_exactly(tmp_path: Path) -> None:
    """SIGKILL in the middle of the second checkpoint, and between checkpoints; real processes."""
    (tmp_path / "a").mkdir()
    straight = config_for(tmp_path / "a")
    config = again(straight, tmp_path / "run")
    arguments = command(config, tmp_path)
    per_checkpoint = 4  # training arguments, optimizer, scheduler, state of chance
    for calls in (per_checkpoint + 2, 2 * per_checkpoint + 1):
        killed = spawn([sys.executable, "-c", KILLED, str(calls), *arguments])
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    half = [path for path in config.output.glob("checkpoint-*") if not is_whole(path)]
    assert len(half) == 1
    done = spawn([sys.executable, "-m", "pytrace_mono.train", *arguments])
    assert done.returncode == 0, done.stderr
    assert f"{half[0]}: half written" in done.stderr
    reference = spawn(
        [sys.executable, "-m", "pytrace_mono.train", *command(straight, tmp_path / "a")]
    )
    assert reference.returncode == 0, reference.stderr
    same(straight.output, config.output)


# accelerate shards over GPUs alone, and takes replicas of the weights on CPUs; torch can do both.
# It ends at once, since torch's caches of sharded tensors keep gloo's threads beyond the group's end,
# and a thread that asks for the GIL while the interpreter ends aborts the process
# (pytorch/pytorch#179291). Replicas leave no thread.
SHARDED = """
import os, sys
from accelerate import state
from accelerate.utils import DistributedType
begin = state.AcceleratorState.__init__
def sharded(self, *args, fsdp_plugin=None, **kwargs):
    begin(self, *args, fsdp_plugin=fsdp_plugin, **kwargs)
    if self.distributed_type is DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.FSDP
    if fsdp_plugin is not None:
        self.fsdp_plugin = fsdp_plugin
state.AcceleratorState.__init__ = sharded
from pytrace_mono.cli import main
from pytrace_mono.train import finetune
step = finetune.FineTuner.training_step
def checked(self, model, *args, **kwargs):
    loss = step(self, model, *args, **kwargs)
    assert all(weight.to_local().numel() < weight.numel() for weight in model.parameters())
    return loss
finetune.FineTuner.training_step = checked
code = main(["train", *sys.argv[1:]])
sys.stdout.flush()
os._exit(code)
"""
LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]


def as_close(left: Path, right: Path) -> None:
    assert losses_in(left) == [
        (step, pytest.approx(loss, abs=1e-5)) for step, loss in losses_in(right)
    ]
    mine, theirs = weights_in(left / "model"), weights_in(right / "model")
    for name, weight in mine.items():
        torch.testing.assert_close(weight, theirs[name], rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("lora", [None, {"rank": 4}], ids=["all", "adapters"])
def test_two_processes_take_the_steps_of_one_sharded_or_not(lora: Any, tmp_path: Path) -> None:
    """Under torchrun with gloo; one of them has a pass fewer now and then."""
    one = config_for(tmp_path, lora=lora, max_grad_norm=1.0)
    run.train(one, quiet=True)
    two = again(one, tmp_path / "two")
    both = spawn([*LAUNCHER, "-m", "pytrace_mono.train", *command(two, tmp_path)])
    assert both.returncode == 0, both.stderr
    as_close(one.output, two.output)

    sharded = two.model_copy(update={"output": tmp_path / "sharded", "fsdp": True})
    script = tmp_path / "sharded.py"
    script.write_text(SHARDED)
    arguments = command(sharded, tmp_path)
    both = spawn([*LAUNCHER, str(script), *arguments])
    assert both.returncode == 0, both.stderr[-9000:]
    as_close(one.output, sharded.output)
    straight = tmp_path / "straight"
    shutil.copytree(sharded.output, straight)
    for later in ("checkpoint-7", "model"):
        shutil.rmtree(sharded.output / later)
    both = spawn([*LAUNCHER, str(script), *arguments])
    assert both.returncode == 0, both.stderr
    assert f"going on from {sharded.output / 'checkpoint-6'}" in both.stderr
    same(straight, sharded.output)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_round_as_one_does(tmp_path: Path) -> None:
    """Gradients in fp32 of weights in bf16 are added up over processes, too."""
    one = config_for(tmp_path, precision="stochastic", gradients="fp32")
    run.train(one, quiet=True)
    two = again(one, tmp_path / "two")
    both = spawn([*LAUNCHER, "-m", "pytrace_mono.train", *command(two, tmp_path)])
    assert both.returncode == 0, both.stderr
    mine, theirs = weights_in(one.output / "model"), weights_in(two.output / "model")
    # Where an fp32 sum has another last bit, a number may be rounded the other way.
    assert all((mine[name] == theirs[name]).float().mean() > 0.99 for name in mine)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("stage", [2, 3])
def test_deepspeed_takes_the_steps_of_one_process_and_goes_on_exactly(
    stage: int, tmp_path: Path
) -> None:
    """Two processes on the CPU."""
    pytest.importorskip("deepspeed", reason="needs pip install deepspeed")
    file = tmp_path / "zero.json"
    zero = {"stage": stage}  # and not that a whole model be gathered at the end
    names = ("train_micro_batch_size_per_gpu", "gradient_clipping")
    automatic = dict.fromkeys(names, "auto")
    file.write_text(json.dumps({"zero_optimization": zero} | automatic))
    one = config_for(tmp_path)
    run.train(one, quiet=True)
    two = one.model_copy(update={"output": tmp_path / "two", "deepspeed": file})
    arguments = [*LAUNCHER, "-m", "pytrace_mono.train", *command(two, tmp_path)]
    both = spawn(arguments, DS_ACCELERATOR="cpu")
    assert both.returncode == 0, both.stderr
    as_close(one.output, two.output)
    straight = tmp_path / "straight"
    shutil.copytree(two.output, straight)
    for later in ("checkpoint-7", "model"):
        shutil.rmtree(two.output / later)
    both = spawn(arguments, DS_ACCELERATOR="cpu")
    assert both.returncode == 0, both.stderr
    same(straight, two.output)


def test_weights_are_not_said_to_be_sharded_where_they_are_not(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="fsdp shards over several GPUs"):
        run.train(config_for(tmp_path, fsdp=True), quiet=True)
    assert not (tmp_path / "run").exists()


def test_deepspeed_that_is_not_installed_is_told_with_what_installs_it(tmp_path: Path) -> None:
    if find_spec("deepspeed") is not None:
        pytest.skip("deepspeed is installed")
    config = config_for(tmp_path, deepspeed=str(tmp_path / "zero3.json"))
    with pytest.raises(PrerequisiteError, match=r"fix: pip install deepspeed"):
        run.train(config, quiet=True)


@pytest.mark.parametrize("content", ["", "[]", '{"zero_optimization": 3}'])
def test_a_configuration_of_deepspeed_that_is_none_is_told_before_anything_is_written(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arguments, "find_spec", lambda name: name)
    file = tmp_path / "zero3.json"
    file.write_text(content)
    config = config_for(tmp_path, deepspeed=str(file))
    with pytest.raises(TrainingError, match="no configuration of DeepSpeed can be read"):
        run.train(config, quiet=True)
    assert not config.output.exists()


def test_trackers_are_used_where_they_are_installed_and_wandb_where_it_has_an_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Wandb:
        class Error(Exception):
            pass

        def login(self, verify: bool) -> bool:
            if "WANDB_API_KEY" not in os.environ:
                raise self.Error("No API key configured.")
            return True

    monkeypatch.setattr(arguments, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "wandb", Wandb())
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    config = config_for(tmp_path)
    assert arguments.arguments_of(config, 1, False).report_to == ["tensorboard"]
    assert "wandb is left out: No API key configured." in caplog.text
    monkeypatch.setenv("WANDB_API_KEY", "k")
    assert arguments.arguments_of(config, 1, False).report_to == ["tensorboard", "wandb"]
