"""Language models of transformers, Hugging Face's package, in its plain torch, whose casts to float32 are to float64."""

from __future__ import annotations

from typing import Any, Final

import of_rwkv
import of_state_space
from borrowed import doubled
from proving import SYMBOLS
from torch import Tensor, nn

from packages.held import Held, of

PACKAGE: Final = "transformers"


def logits(model: Any, x: Tensor) -> Tensor:
    with doubled():
        found: Tensor = model(input_ids=x, use_cache=False).logits
    return found


def mamba() -> nn.Module:
    from transformers import MambaConfig, MambaForCausalLM

    config = MambaConfig(vocab_size=SYMBOLS, hidden_size=6, state_size=3, num_hidden_layers=2, expand=2)
    return MambaForCausalLM(config)


def mamba2() -> nn.Module:
    from transformers import Mamba2Config, Mamba2ForCausalLM

    config = Mamba2Config(
        vocab_size=SYMBOLS,
        hidden_size=6,
        state_size=3,
        num_hidden_layers=2,
        expand=2,
        num_heads=4,
        head_dim=3,
        n_groups=1,
        chunk_size=4,
        tie_word_embeddings=True,
    )
    return Mamba2ForCausalLM(config)


def rwkv() -> nn.Module:
    from transformers import RwkvConfig, RwkvForCausalLM

    config = RwkvConfig(vocab_size=SYMBOLS, hidden_size=5, intermediate_size=7, num_hidden_layers=2, context_length=16)
    return RwkvForCausalLM(config)


WIDE: Final = {"hidden_size": 12}
MAMBA: Final = (
    (r"^backbone\.embeddings", "embedding"),
    (r"^backbone\.norm_f", "norm_f"),
    (r"^backbone\.layers\.(\d+)\.norm\.", r"norms.\1."),
    (r"^backbone\.layers\.(\d+)\.mixer\.", r"mixers.\1."),
    (r"(mixers\.\d+\.norm)\.weight", r"\1"),
)
RWKV: Final = (
    (r"^rwkv\.embeddings", "emb"),
    (r"^rwkv\.ln_out", "ln_out"),
    (r"^rwkv\.blocks\.0\.pre_ln", "ln0"),
    (r"^rwkv\.blocks\.(\d+)\.(ln\d)", r"\2.\1"),
    (r"^rwkv\.blocks\.(\d+)\.attention", r"att.\1"),
    (r"^rwkv\.blocks\.(\d+)\.feed_forward", r"ffn.\1"),
    ("time_mix_key", "time_mix_k"),
    ("time_mix_value", "time_mix_v"),
    ("time_mix_receptance", "time_mix_r"),
)

HELD: Final = (
    *(
        Held(name, PACKAGE, "MambaForCausalLM", of(case, mamba, logits, *MAMBA, changes={**case.changes, **WIDE}))
        for name, case in of_state_space.CASES.items()
        if name.startswith("mamba-lm")
    ),
    *(
        Held(
            name,
            PACKAGE,
            "Mamba2ForCausalLM",
            of(case, mamba2, logits, *MAMBA, changes={**case.changes, **WIDE, "cell.heads": 4}),
        )
        for name, case in of_state_space.CASES.items()
        if name.startswith("mamba2-lm")
    ),
    *(Held(name, PACKAGE, "RwkvForCausalLM", of(case, rwkv, logits, *RWKV)) for name, case in of_rwkv.CASES.items()),
)
