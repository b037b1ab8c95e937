"""transformers: narrow language models with drawn weights, saved by `save_pretrained`, and their scores of some symbols."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from transformers import (
    Mamba2Config,
    Mamba2ForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    PreTrainedModel,
    RwkvConfig,
    RwkvForCausalLM,
)

SYMBOLS = 50


def models() -> dict[str, PreTrainedModel]:
    mamba = {"vocab_size": SYMBOLS, "hidden_size": 24, "state_size": 16, "num_hidden_layers": 24, "expand": 2}
    mamba2 = {"num_heads": 6, "head_dim": 8, "n_groups": 1, "chunk_size": 8, "tie_word_embeddings": True}
    rwkv = {"vocab_size": SYMBOLS, "hidden_size": 24, "num_hidden_layers": 12, "context_length": 64}
    rwkv |= {"rescale_every": 0}  # it would halve numbers on the way, for half precision
    return {
        "mamba": MambaForCausalLM(MambaConfig(**mamba)),
        "mamba2": Mamba2ForCausalLM(Mamba2Config(**mamba, **mamba2)),
        "rwkv": RwkvForCausalLM(RwkvConfig(**rwkv)),
    }


def main() -> None:
    torch.manual_seed(0)
    symbols = torch.randint(SYMBOLS, (2, 40))
    found = {"symbols": symbols.numpy()}
    for name, model in models().items():
        with torch.no_grad():
            for parameter in model.parameters():  # what it draws leaves scores that hardly differ
                parameter.add_(0.2 * torch.randn_like(parameter))
            found[f"scores_{name}"] = model.eval()(input_ids=symbols, use_cache=False).logits.numpy()
        model.save_pretrained(Path(sys.argv[2]) / name)
    np.savez(sys.argv[1], **found)


main()
