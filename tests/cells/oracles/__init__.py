"""Cells against implementations from outside: the same weights and inputs, the same outputs and final states.

`table.py` lists every pair; `tests/cells/oracles.json` is that list in words, and `python -m oracles.table` from
tests/cells writes it anew. Each module `of_<package>.py` knows how one package wants its weights, imports it only when
it is asked, and has no equations of its own where the package has them.
"""
