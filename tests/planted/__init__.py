"""Bugs planted one at a time in the real code, each of a kind that people have really made.

Every mutant is a small patch, the spec that shows it, and a check of the contract that must catch it.
`python -m tests.planted` prints which checks catch which. Where to look: `suite` runs them, `specs` has the specs and
the cells that show what no built-in cell can, and every other module plants bugs of one kind.
"""
