from .suite import table

print(table())  # noqa: T201 - this is what it is for
