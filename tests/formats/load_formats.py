"""Exports a small store in every format and reads it with the library that the format is for; rows are counted and compared with the
store. ./test-formats.sh runs it. Formats whose library is not in the package index for this Python are not here: their rows are held
to committed goldens (tests/datasets/goldens) alone, which the README's table calls "schema only".

Rows with tokens are held to the goldens too: no policy without a model records tokens."""

import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="", WANDB_MODE="offline")
warnings.filterwarnings("ignore")

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY") or str(SOURCE / "build/dev/assay")
WORK = pathlib.Path(tempfile.mkdtemp(prefix="assay-formats-"))
STORE = WORK / "store.db"
os.environ["HF_HOME"] = str(WORK / "hf")

TEMPLATE = """{% for m in messages %}<{{ m.role }}>{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}
{% for c in m.tool_calls or [] %}<call>{{ c.function.name }} {% for k, v in c.function.arguments.items() %}{{ k }}={{ v }} {% endfor %}</call>{% endfor %}
{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"""


def assay(*arguments):
    done = subprocess.run([ASSAY, *arguments, "--store", str(STORE), "--json"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"assay {' '.join(arguments)}: {done.stderr or done.stdout}")
    return json.loads(done.stdout.splitlines()[-1])


def golden(name):
    return json.loads((SOURCE / f"tests/datasets/goldens/{name}.json").read_text())


class Export:
    """One format's folder, and how many rows the program said it wrote."""

    def __init__(self, name, *options):
        self.name, self.folder = name, WORK / "-".join([name, *options])
        report = assay("export", "--format", name, "--out", str(self.folder), "--train-percent", "100", "--validation-percent", "0", *options)
        self.rows = report["rows"]["train"]
        self.path = next(str(self.folder / file) for file in report["files"] if pathlib.Path(file).stem.split(".")[0] in ("train", "traces"))

    def lines(self):
        return [json.loads(line) for line in open(self.path, encoding="utf-8")]

    def dataset(self):
        import datasets

        return datasets.load_dataset(str(self.folder), split="train")


def tiny():
    """A model of random weights and a tokenizer of bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    letters = sorted(pre_tokenizers.ByteLevel.alphabet()) + ["<end>"]
    by_bytes = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    by_bytes.pre_tokenizer, by_bytes.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=by_bytes, eos_token="<end>", pad_token="<end>", chat_template=TEMPLATE)
    config = Qwen3Config(vocab_size=len(letters), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1, head_dim=16)
    Qwen3ForCausalLM(config).save_pretrained(WORK / "tiny")   # some trainers load a second one from where the first came from
    return Qwen3ForCausalLM.from_pretrained(WORK / "tiny"), tokenizer


def trained(trainer_class, config_class, export):
    """The rows that a TRL trainer has after its own preparation, and one step on them."""
    model, tokenizer = tiny()
    config = config_class(str(WORK / "run"), max_steps=1, per_device_train_batch_size=2, max_length=1 << 13, use_cpu=True, report_to=[], save_strategy="no")
    trainer = trainer_class(model=model, processing_class=tokenizer, train_dataset=export.dataset(), args=config)
    trainer.train()
    return len(trainer.train_dataset)


# ---- One check a format: the rows that its library read ----


def trl_sft(export):
    from trl import SFTConfig, SFTTrainer

    return trained(SFTTrainer, SFTConfig, export)


def trl_dpo(export):
    from trl import DPOConfig, DPOTrainer

    return trained(DPOTrainer, DPOConfig, export)


def trl_kto(export):
    from trl import KTOConfig, KTOTrainer

    return trained(KTOTrainer, KTOConfig, export)


def grpo(export):
    """Gold answers score 1 and others 0 through the rows' own reward module, as GRPOTrainer calls it; the README's example trains."""
    spec = importlib.util.spec_from_file_location("reward", export.folder / "reward.py")
    reward = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reward)
    os.environ["ASSAY"] = ASSAY
    rows = export.dataset()
    answers = {row["task_id"]: row["messages"] for row in Export("openai_chat", "--policy", "gold").lines()}
    completions = [[message for message in answers[task] if message["role"] == "assistant"] for task in rows["task_id"]]
    columns = {name: rows[name] for name in ("task_id", "submit_tool", "judged_by")}
    assert reward.reward(prompts=rows["prompt"], completions=completions, **columns) == [1.0] * len(rows)
    assert reward.reward(prompts=rows["prompt"], completions=["no"] * len(rows), **columns) == [0.0] * len(rows)
    return len(rows)


def openai_messages(export):
    """OpenAI's own types of messages and tools; chat templates of transformers take the rows."""
    from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
    from pydantic import TypeAdapter

    messages, tools = TypeAdapter(list[ChatCompletionMessageParam]), TypeAdapter(list[ChatCompletionToolParam])
    for row in export.lines():
        messages.validate_python(row["messages"])
        tools.validate_python(row["tools"])
    return len(export.lines())


def verl(export):
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset

    read = RLHFDataset(export.path, tiny()[1], OmegaConf.create({"max_prompt_length": 1 << 20, "filter_overlong_prompts_workers": 1}))
    assert all(row["raw_prompt"] and json.loads(row["extra_info"]["tools"]) for row in (read[i] for i in range(len(read))))
    return len(read)


def skyrl(export):
    from skyrl.train.dataset.dataset import PromptDataset

    read = PromptDataset(export.path, tiny()[1], max_prompt_length=1 << 20, num_workers=1)
    assert all(read[i][1] == "assay" and read[i][2]["reward_spec"]["ground_truth"] for i in range(len(read)))
    return len(read)


def openrlhf(export):
    from types import SimpleNamespace

    from openrlhf.datasets.prompts_dataset import PromptDataset

    data = SimpleNamespace(input_key="input", label_key="label", apply_chat_template=True, image_key="images")
    strategy = SimpleNamespace(args=SimpleNamespace(data=data), is_rank_0=lambda: False)
    read = PromptDataset(export.dataset(), tiny()[1], strategy)
    assert all(source.startswith("assay/") and prompt and len(label) == 64 for source, prompt, label, _ in (read[i] for i in range(len(read))))
    return len(read)


def atif(export):
    from harbor.models.trajectories import Trajectory

    for row in [*export.lines(), golden("atif")]:
        Trajectory.model_validate(row)
    return len(export.lines())


def only_datasets(export):
    return len(export.dataset())


CHECKS = {"grpo": grpo, "trl_sft": trl_sft, "trl_dpo": trl_dpo, "trl_kto": trl_kto, "openai_chat": openai_messages, "openai_finetuning": openai_messages,
          "verl": verl, "skyrl": skyrl, "openrlhf": openrlhf, "atif": atif}
FAILED_TOO = {"trl_dpo", "trl_kto", "verifiers", "verl_rollouts", "skyrl_rollouts", "slime_rollouts", "nemo_gym_rollouts"}
REPAIRS = {"harbor", "swe_bench"}   # of tasks that ask for a patch


def expected_rows(name, tasks, rollouts):
    """From the store's own listing."""
    if name == "trl_dpo":
        groups = {}
        for row in rollouts:
            groups.setdefault((row["task"], row["policy"]), []).append(row["passed"])
        return sum(min(sum(group), len(group) - sum(group)) for group in groups.values())
    if name in FAILED_TOO:
        return len(rollouts)
    if name in ("trl_sft", "openai_chat", "openai_finetuning", "axolotl", "llama_factory", "atif"):
        return sum(row["passed"] for row in rollouts)
    return len(tasks)


def check_swe_bench():
    """Columns are those of SWE-bench's own type; rows need mined repositories, which no small store has."""
    from swebench.types import SWEbenchInstance

    source = (SOURCE / "datasets/formats/swe_bench.cc").read_text()
    missing = [name for name in SWEbenchInstance.__annotations__ if f'{{"{name}",' not in source]
    assert not missing, missing


def run_example():
    """The README's example, as it stands there."""
    text = (SOURCE / "README.md").read_text()
    example = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "GRPOTrainer" in block)
    assert len(example.splitlines()) <= 22, "the README promises 20 lines"
    export = Export("grpo", "--difficulty", "1")
    export.folder.rename(WORK / "dataset")
    done = subprocess.run([sys.executable, "-c", example], cwd=WORK, capture_output=True, text=True, env={**os.environ, "ASSAY": ASSAY})
    if done.returncode or "'rewards/reward/mean'" not in done.stdout:
        raise SystemExit("the README's example failed:\n" + done.stdout[-2000:] + done.stderr[-4000:])
    print("README example: " + done.stdout.strip().splitlines()[-1][:200])


def main():
    assay("synth", "travel", "--count", "12")
    assay("synth", "meetings", "--count", "4")
    assay("rollout", "--policy", "gold,random", "--group", "3")
    tasks, rollouts = assay("list", "tasks")["tasks"], [row for row in assay("list", "rollouts")["rollouts"] if row["scored"]]
    names = [row["name"] for row in assay("list", "formats")["formats"]]
    only = sys.argv[1:]
    failed = []
    for name in names:
        if name in REPAIRS or (only and name not in only):
            continue
        try:
            export = Export(name)
            wanted = expected_rows(name, tasks, rollouts)
            assert export.rows == wanted, f"{export.rows} rows were written, the store has {wanted}"
            read = CHECKS.get(name, only_datasets)(export)
            assert read == wanted, f"{read} rows were read, the store has {wanted}"
            compressed = len(Export(name, "--compress", "zstd").dataset())
            assert compressed == wanted, f"{compressed} compressed rows were read, the store has {wanted}"
            print(f"ok {name}: {read} rows", "" if name in CHECKS else "(datasets)", flush=True)
        except Exception as error:
            failed.append(name)
            print(f"FAILED {name}: {type(error).__name__}: {str(error)[:1500]}", flush=True)
    if not only:
        check_swe_bench()
        print("ok SWE-bench's columns")
        run_example()
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
