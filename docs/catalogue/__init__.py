"""The pages of the cells, made from their docstrings, records and specs alone."""
