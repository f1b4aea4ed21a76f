"""Exports small stores in every format and reads them with the library that the format is for; rows are counted and compared with the
store. ./test-formats.sh runs it. slime alone is in no package index: its rows are held to committed goldens (tests/datasets/goldens),
which the README's table calls "schema only". Tokens are those that the embedded engine recorded, with a model of random weights that gives
up after a turn; attempts of several turns are the goldens' own."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing
import warnings

import typing_extensions

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", CUDA_VISIBLE_DEVICES="", WANDB_MODE="offline",
                  DISABLE_VERSION_CHECK="1")   # LLaMA-Factory's, which knows no transformers as new as the others ask for
warnings.filterwarnings("ignore")

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ASSAY = os.environ.setdefault("ASSAY", str(SOURCE / "build/dev/assay"))
WORK = pathlib.Path(tempfile.mkdtemp(prefix="assay-formats-"))
STORE, REPAIRS = WORK / "store.db", WORK / "repairs.db"   # of tasks that ask for an answer, and of those that ask for a patch
os.environ["HF_HOME"] = str(WORK / "hf")

# What the typing of Python 3.12 has, for which harbor and skyrl are written.
typing.override, typing.TypedDict = typing_extensions.override, typing_extensions.TypedDict

TEMPLATE = """{% for m in messages %}<{{ m.role }}>{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}
{% for c in m.tool_calls or [] %}<call>{{ c.function.name }} {% for k, v in c.function.arguments.items() %}{{ k }}={{ v }} {% endfor %}</call>{% endfor %}
{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"""


def assay(*arguments, store=STORE):
    done = subprocess.run([ASSAY, *map(str, arguments), "--store", str(store), "--json"], cwd=WORK, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"assay {' '.join(map(str, arguments))}: {done.stderr or done.stdout}")
    return json.loads(done.stdout.splitlines()[-1])


def golden(name):
    return json.loads((SOURCE / f"tests/datasets/goldens/{name}.json").read_text())


class Export:
    """One format's folder, and how many rows the program said it wrote."""

    def __init__(self, name, *options):
        self.name, self.folder = name, WORK / "-".join([name, *options])
        report = assay("export", "--format", name, "--out", self.folder, "--train-percent", 100, "--validation-percent", 0, *options,
                       store=REPAIRS if name in OF_REPAIRS else STORE)
        self.rows = report["rows"]["train"]
        self.path = next(str(self.folder / file) for file in report["files"] if pathlib.Path(file).stem.split(".")[0] in ("train", "traces"))

    def lines(self):
        return [json.loads(line) for line in open(self.path, encoding="utf-8")]

    def dataset(self):
        import datasets

        return datasets.load_dataset(str(self.folder), split="train")

    def recorded(self):
        """The rows of the model's rollouts, which have tokens."""
        rows = Export(self.name, "--all", "--policy", MODEL).lines()
        assert rows
        return rows


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


# Chat templates that the wheel of trl carries, one of each family that takes tools.
TEMPLATES = ("gemma4_v5", "glm4moe", "lfm2_2_5", "nemotron_3_ultra", "qwen2_5", "qwen3", "qwen3_8")


def check_template(name, row):
    """Whatever a row says comes to stand in the prompt, with the tools."""
    import trl
    from transformers.utils.chat_template_utils import render_jinja_template

    template = (pathlib.Path(trl.__file__).parent / f"chat_templates/{name}.jinja").read_text()
    tools, messages = json.loads(row["tools"]), [message for message in row["messages"] if message["role"] != "developer"]
    text = render_jinja_template([messages], tools=tools, chat_template=template, bos_token="", eos_token="")[0][0]
    wanted = [tool["function"]["name"] for tool in tools]
    for message in messages:
        wanted += [message["content"]]
        wanted += [message.get("reasoning_content", "")] if "reasoning_content" in template else []
        for call in message.get("tool_calls", []):
            wanted += [call["function"]["name"], *call["function"]["arguments"]]
    spelled = (text, text.replace('\\"', '"'))   # some write what tools said as JSON
    missing = [each for each in wanted if not any(each in way for way in spelled)]
    assert not missing, f"{name}: {missing[:3]}"


# ---- One check a format: the rows that its library read ----


def trl_sft(export):
    from trl import SFTConfig, SFTTrainer

    for name in TEMPLATES:
        for row in [*export.lines(), golden("trl_sft")]:
            check_template(name, row)
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


def llama_factory(export):
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import DataArguments, ModelArguments
    from transformers import Seq2SeqTrainingArguments

    tokenizer = tiny()[1]
    data = DataArguments(template="qwen3", dataset="assay_train", dataset_dir=str(export.folder), cutoff_len=1 << 17)
    training = Seq2SeqTrainingArguments(str(WORK / "run"), use_cpu=True, report_to=[])
    template = get_template_and_fix_tokenizer(tokenizer, data)
    read = get_dataset(template, ModelArguments(model_name_or_path="none"), data, training, stage="sft", tokenizer=tokenizer)["train_dataset"]
    for row, tokens in zip(export.lines(), read):
        learned = tokenizer.decode([token for token in tokens["labels"] if token != -100])
        assert learned.count("<tool_call>") == sum(turn["value"].count('"name"') for turn in row["conversations"] if turn["from"] == "function_call"), learned
        assert json.loads(row["tools"])[0]["name"] in tokenizer.decode(tokens["input_ids"])
    return len(read)


def axolotl(export):
    from axolotl.prompt_strategies.chat_template import StrategyLoader
    from axolotl.utils.dict import DictDefault

    tokenizer = tiny()[1]
    dataset = {"field_messages": "messages", "message_field_training": "train", "chat_template": "qwen3"}
    strategy = StrategyLoader()(tokenizer, DictDefault(sequence_len=1 << 17, train_on_inputs=False, chat_template="qwen3"), dataset)
    for row in export.lines():
        tokens = strategy.tokenize_prompt(row)
        learned = tokenizer.decode([token for token in tokens["labels"] if token != -100])
        calls = [call["function"]["name"] for message in row["messages"] for call in message.get("tool_calls", [])]
        assert calls and all(name in learned for name in calls) and "<tool_response>" not in learned, learned
        assert json.loads(row["tools"])[0]["function"]["name"] in tokenizer.decode(tokens["input_ids"])
    return len(export.lines())


def atif(export):
    from harbor.models.trajectories import Trajectory

    for row in [*export.lines(), *export.recorded(), golden("atif")]:
        Trajectory.model_validate(row)
    return len(export.lines())


def verifiers(export):
    from verifiers.v1.episode import WireEpisode
    from verifiers.v1.trace import WireTrace
    from verifiers.v1.utils.trace_store import read_episodes

    read = read_episodes(pathlib.Path(export.path).parent, WireTrace)
    traces = {trace.id: trace for episode in read for trace in episode.traces}
    for row in Export("verl_rollouts", "--all", "--policy", MODEL).lines():
        (branch,) = traces[row["extra_fields"]["rollout_id"]].branches
        assert branch.token_ids == row["prompt_ids"] + row["response_ids"]
        assert [int(sampled) for sampled in branch.sampled_mask] == [0] * len(row["prompt_ids"]) + row["response_mask"]
    assert [branch.token_ids for branch in WireEpisode.model_validate(golden("verifiers")).traces[0].branches] == [[1, 2, 3, 4, 5, 11, 12, 13, 14, 15], [1, 2, 21, 22, 23, 24, 25]]
    return len(read)


def verl_rollouts(export):
    from verl.experimental.agent_loop.agent_loop import AgentLoopOutput

    for row in [*export.recorded(), golden("verl_rollouts")]:
        read = AgentLoopOutput.model_validate(row).as_dict()
        assert len(read["response_mask"]) == len(read["responses"]) == len(read["rollout_log_probs"])
        assert read["routed_experts"].shape[0] == len(read["prompts"]) + len(read["responses"])
    return len(export.lines())


def skyrl_rollouts(export):
    from skyrl.train.generators.base import TrajectoryID
    from skyrl.train.utils.trainer_utils import validate_generator_output

    rows = export.recorded()
    output = {name: [row[name] for row in rows] for name in rows[0]}
    output["trajectory_ids"] = [TrajectoryID(**each) for each in output["trajectory_ids"]]
    validate_generator_output(len(rows), {**output, "rollout_metrics": None}, step_wise=True)
    return len(export.lines())


def nemo_gym(export):
    from nemo_gym.base_resources_server import BaseRunRequest

    return len([BaseRunRequest.model_validate(row) for row in export.lines()])


def nemo_gym_rollouts(export):
    from nemo_gym.base_resources_server import BaseVerifyResponse

    rows = export.lines()
    for row in [*rows, golden("nemo_gym_rollouts")]:
        read = BaseVerifyResponse.model_validate(row)
        assert read.reward == row["reward"]
        turns = [item for item in row["response"]["output"] if "generation_token_ids" in item]
        kept = [item for item in read.response.output if hasattr(item, "generation_token_ids")]
        assert turns or row["policy"] != MODEL
        for name in ("prompt_token_ids", "generation_token_ids", "generation_log_probs", "routed_experts"):
            assert [item[name] for item in turns] == [getattr(item, name) for item in kept], name
    return len(rows)


def harbor(export):
    from harbor.models.task.task import Task

    read = [Task(export.folder / row["path"]) for row in export.lines()]
    for task, row in zip(read, export.lines()):
        assert task.name == "assay/" + row["instance_id"] and Task.is_valid_dir(export.folder / row["path"])
        assert task.config.environment.network_mode.value == "no-network" and task.config.verifier.environment_mode.value == "separate"
    return len(read)


def swe_bench(export):
    from swebench.harness.utils import load_swebench_dataset
    from swebench.types import SWEbenchInstance

    read = load_swebench_dataset(export.path)
    assert all(set(SWEbenchInstance.__annotations__) <= set(row) and json.loads(row["FAIL_TO_PASS"]) for row in read)
    return len(read)


def only_datasets(export):
    return len(export.dataset())


CHECKS = {"grpo": grpo, "trl_sft": trl_sft, "trl_dpo": trl_dpo, "trl_kto": trl_kto, "openai_chat": openai_messages, "openai_finetuning": openai_messages,
          "verl": verl, "verl_rollouts": verl_rollouts, "skyrl": skyrl, "skyrl_rollouts": skyrl_rollouts, "openrlhf": openrlhf, "nemo_gym": nemo_gym,
          "nemo_gym_rollouts": nemo_gym_rollouts, "verifiers": verifiers, "llama_factory": llama_factory, "axolotl": axolotl, "atif": atif,
          "harbor": harbor, "swe_bench": swe_bench, "slime": only_datasets, "slime_rollouts": only_datasets}
OF_REPAIRS = {"harbor", "swe_bench"}
FAILED_TOO = {"trl_dpo", "trl_kto", "verifiers", "verl_rollouts", "skyrl_rollouts", "slime_rollouts", "nemo_gym_rollouts"}


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


def same(row, read):
    """Whether Parquet gives back what stands in a row of JSON Lines: what a row has not is null, and open members are JSON text."""
    if isinstance(row, dict) and isinstance(read, dict):
        return all(name in read and same(each, read[name]) for name, each in row.items()) and all(read[name] is None for name in read.keys() - row.keys())
    if isinstance(row, list) and isinstance(read, list):
        return len(row) == len(read) and all(map(same, row, read))
    return json.loads(read) == row if isinstance(read, str) and not isinstance(row, str) else row == read


def check_encodings(name, rows):
    """The same rows, compressed and as Parquet; by pyarrow one by one, and by datasets as many."""
    import pyarrow.parquet

    parquet = Export(name, "--parquet")
    read = pyarrow.parquet.read_table(parquet.path).to_pylist()
    assert len(read) == len(rows), f"{len(read)} rows are in Parquet, {len(rows)} in JSON Lines"
    different = [i for i, (row, columns) in enumerate(zip(rows, read)) if not same(row, columns)]
    assert not different, f"rows {different[:5]} are others in Parquet: {str(read[different[0]])[:500]}"
    for encoded in (parquet, Export(name, "--compress", "zstd")):
        assert len(encoded.dataset()) == len(rows), f"datasets reads {len(encoded.dataset())} of {len(rows)} rows in {encoded.path}"


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


def make_clone(path, records):
    """A repository with one change, and the issue that it resolves, as records that `assay mine` reads."""
    def commit(function, test):
        path.joinpath("stats.py").write_text(f"def mean(values):\n    return {function}\n")
        path.joinpath("test_stats.py").write_text(f"from stats import mean\n\n\ndef test_mean():\n    assert mean([1, 3]) == 2\n{test}")
        for command in (["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "Change"]):
            subprocess.run(["git", *command], cwd=path, check=True)
        return subprocess.run(["git", "rev-parse", "HEAD"], cwd=path, check=True, capture_output=True, text=True).stdout.strip()

    subprocess.run(["git", "init", "-q", path], check=True)
    base = commit("sum(values) / len(values)", "")
    head = commit("sum(values) / len(values) if values else 0.0", "\n\ndef test_mean_of_nothing():\n    assert mean([]) == 0.0\n")
    body = "The function fails for a list without values, which its callers pass to it quite often. I would expect a mean of zero then, and no exception."
    issue = {"kind": "issue", "number": 1, "title": "mean of an empty list fails", "body": body, "author": "someone", "created": "2024-05-01T12:00:00Z"}
    pull = {"kind": "pull_request", "number": 2, "title": "Mean of nothing", "body": "Fixes #1", "author": "another", "merged": "2024-05-02T12:00:00Z", "base": base, "head": head}
    records.write_text(json.dumps(issue) + "\n" + json.dumps(pull) + "\n")


def make_stores():
    """Tasks with attempts of two policies and of a model; and a mined change, built and certified. Returns the model's policy."""
    assay("synth", "travel", "--count", 12)
    assay("synth", "meetings", "--count", 4)
    assay("rollout", "--policy", "gold,random", "--group", 3)
    assay("model", "make", "--out", "small", "--preset", "tiny")
    config = json.loads((WORK / "small/config.json").read_text())
    (WORK / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 1 << 14}))
    assay("model", "make", "--out", "model", "--config", "config.json")
    assay("rollout", "--policy", "dsa:model", "--max-tokens", 40, "--limit", 3, "--group", 2)   # some go on until the context is full: they break, and are not exported

    make_clone(WORK / "stats", WORK / "records.jsonl")
    assay("mine", "records.jsonl", "--clone", "stats", "--repository", "example/stats", "--out", "candidates.jsonl", store=REPAIRS)
    assay("build", "candidates.jsonl", "--clone", "stats", store=REPAIRS)
    return next(row["policy"] for row in assay("list", "rollouts", "--limit", 1000)["rollouts"] if row["policy"].startswith("dsa:"))


def main():
    global MODEL
    MODEL = make_stores()
    tasks, rollouts = assay("list", "tasks")["tasks"], [row for row in assay("list", "rollouts", "--limit", 1000)["rollouts"] if row["scored"]]
    repairs = assay("list", "tasks", store=REPAIRS)["tasks"]
    print(f"the stores: {len(tasks)} tasks with {len(rollouts)} scored rollouts, {sum(row['policy'] == MODEL for row in rollouts)} of them with tokens; {len(repairs)} tasks that ask for a patch")
    only = sys.argv[1:]
    failed = []
    for name in [row["name"] for row in assay("list", "formats")["formats"] if not only or row["name"] in only]:
        try:
            export = Export(name)
            wanted = len(repairs) if name in OF_REPAIRS else expected_rows(name, tasks, rollouts)
            assert export.rows == wanted > 0, f"{export.rows} rows were written, the store has {wanted}"
            read = CHECKS[name](export)
            assert read == wanted, f"{read} rows were read, the store has {wanted}"
            check_encodings(name, export.lines())
            print(f"ok {name}: {read} rows", "(datasets)" if CHECKS[name] is only_datasets else "", flush=True)
        except Exception as error:
            failed.append(name)
            print(f"FAILED {name}: {type(error).__name__}: {str(error)[:1500]}", flush=True)
    if not only:
        run_example()
    if failed:
        sys.exit(f"FAILED: {', '.join(failed)}; what was exported is in {WORK}")
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
