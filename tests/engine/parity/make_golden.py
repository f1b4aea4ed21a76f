"""Makes the golden files of the parity tests: what Hugging Face transformers computes for random small checkpoints.

    python3 -m venv V && V/bin/pip install torch transformers safetensors numpy
    V/bin/python tests/engine/parity/make_golden.py build/release/assay

Weights are not stored: `assay model make` writes the same checkpoint from configuration and seed on every machine, and a golden
file carries the SHA-256 of the weights it was made with. A golden file is a safetensors file, its metadata the configuration:

    tokens    I32 [rows]                     one sequence
    logits    F32 [kept rows, vocab_size]    of the rows in `rows`
    rows      I32 [kept rows]
    selected  I32 [full layers, rows, k]     the indexer's choices, ascending, -1 beyond
    experts   I32 [MoE layers, rows, k]      ascending
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
import transformers
from safetensors.numpy import save_file

BASE = dict(
    vocab_size=96, hidden_size=64, intermediate_size=96, moe_intermediate_size=32, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=4, n_shared_experts=1, n_routed_experts=8, num_experts_per_tok=2, n_group=4, topk_group=2,
    kv_lora_rank=32, q_lora_rank=48, qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=16, first_k_dense_replace=1,
    index_topk=16, index_head_dim=16, index_n_heads=4, max_position_embeddings=512, routed_scaling_factor=2.5,
    bos_token_id=0, eos_token_id=1, rope_parameters=dict(rope_type="default", rope_theta=10000.0))
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=40.0, original_max_position_embeddings=128, beta_fast=32, beta_slow=1,
            mscale=1.0, mscale_all_dim=1.0)

# name: model type, weights, tokens, what differs from BASE. k is 16 unless said: below, at and far beyond it. transformers computes in
# float32; "bf16!" also in BF16, where it rounds every intermediate value and its own attention implementations (eager, sdpa) lie
# 1e-2 to 3e-2 apart on such models without any routing, which bounds what agreement there can mean.
CASES = {
    "below_k": ("deepseek_v32", "f32", 12, {}),
    "at_k": ("deepseek_v32", "f32", 16, dict(num_attention_heads=8, num_key_value_heads=8)),
    "beyond_k_yarn": ("deepseek_v32", "f32", 300, dict(rope_parameters=YARN)),
    "dense_only": ("deepseek_v32", "f32", 96, dict(first_k_dense_replace=3, index_n_heads=2)),
    "no_groups": ("deepseek_v32", "f32", 80, dict(n_group=1, topk_group=1, n_routed_experts=12, num_experts_per_tok=3)),
    "odd_sizes": ("deepseek_v32", "f32", 70, dict(hidden_size=72, intermediate_size=100, moe_intermediate_size=20, num_attention_heads=3,
                                                  num_key_value_heads=3, kv_lora_rank=40, q_lora_rank=36, qk_nope_head_dim=12, qk_rope_head_dim=6,
                                                  v_head_dim=20, index_head_dim=24, index_n_heads=5, vocab_size=101, norm_topk_prob=False)),
    "bias_and_one_head": ("deepseek_v32", "f32", 64, dict(attention_bias=True, num_attention_heads=1, num_key_value_heads=1, n_shared_experts=2)),
    "glm": ("glm_moe_dsa", "f32", 90, dict(n_group=1, topk_group=1, qk_nope_head_dim=24, v_head_dim=32, rms_norm_eps=1e-5)),
    "glm_shared_indexers": ("glm_moe_dsa", "f32", 130, dict(n_group=1, topk_group=1, num_hidden_layers=5, indexer_types=["full", "shared", "full", "shared", "shared"])),
    "tied_embeddings": ("deepseek_v32", "f32", 40, dict(tie_word_embeddings=True)),
    "bf16": ("deepseek_v32", "bf16", 120, dict(rope_parameters=YARN)),
    "bf16_glm": ("glm_moe_dsa", "bf16", 100, dict(n_group=1, topk_group=1, indexer_types=["full", "full", "shared"])),
    "bf16_rounded": ("deepseek_v32", "bf16!", 120, dict(rope_parameters=YARN)),
    "bf16_rounded_glm": ("glm_moe_dsa", "bf16!", 100, dict(n_group=1, topk_group=1, indexer_types=["full", "full", "shared"])),
}
SEED = 20260101


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make(assay, name, out):
    model_type, weights_dtype, length, changes = CASES[name]
    dtype = weights_dtype.rstrip("!")
    computed_in = "bf16" if weights_dtype.endswith("!") else "f32"
    config = {**BASE, **changes, "model_type": model_type}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "config.json").write_text(json.dumps(config))
        checkpoint = folder / "checkpoint"
        subprocess.run([assay, "model", "make", "--config", folder / "config.json", "--dtype", dtype, "--seed", str(SEED), "--out", checkpoint], check=True,
                       stdout=subprocess.DEVNULL)
        model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32 if computed_in == "f32" else torch.bfloat16,
                                                                  attn_implementation="eager")
        weights = sha256(checkpoint / "model.safetensors")
    model.eval()
    selected, experts = {}, {}
    for index, layer in enumerate(model.model.layers):
        if getattr(layer.self_attn, "indexer", None) is not None:
            layer.self_attn.indexer.register_forward_hook(lambda _, __, output, index=index: selected.__setitem__(index, output[0].numpy()))
        if hasattr(layer.mlp, "gate"):
            layer.mlp.gate.register_forward_hook(lambda _, __, output, index=index: experts.__setitem__(index, output[2].numpy()))
    tokens = numpy.random.default_rng(SEED).integers(0, config["vocab_size"], length).astype(numpy.int32)
    with torch.no_grad():
        logits = model(torch.tensor(tokens, dtype=torch.long)[None], use_cache=False).logits[0].float().numpy()

    k = config["index_topk"]
    chosen = numpy.full((len(selected), length, k), -1, dtype=numpy.int32)
    for place, layer in enumerate(sorted(selected)):
        for row in range(length):
            visible = numpy.sort(selected[layer][row][selected[layer][row] <= row])
            chosen[place, row, :len(visible)] = visible
    rows = numpy.array(sorted({*range(0, length, 7), *range(min(length, 4)), length - 2, length - 1}), dtype=numpy.int32)
    tensors = dict(tokens=tokens, rows=rows, logits=numpy.ascontiguousarray(logits[rows]), selected=chosen)
    if experts:
        tensors["experts"] = numpy.stack([numpy.sort(experts[layer], axis=-1) for layer in sorted(experts)]).astype(numpy.int32)
    config.pop("_name_or_path", None)
    save_file(tensors, out / f"{name}.safetensors",
              metadata=dict(config=json.dumps(config), dtype=dtype, computed_in=computed_in, seed=str(SEED), weights=weights, made_with=f"transformers {transformers.__version__}, torch {torch.__version__}"))
    print(f"{name}: {length} tokens, {len(selected)} indexers, {len(experts)} MoE layers, {sum(t.nbytes for t in tensors.values()) // 1024} KiB")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    out = pathlib.Path(__file__).parent / "golden"
    out.mkdir(exist_ok=True)
    for name in sys.argv[2:] or CASES:
        make(pathlib.Path(sys.argv[1]).resolve(), name, out)


if __name__ == "__main__":
    main()
