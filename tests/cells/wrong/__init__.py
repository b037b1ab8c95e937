"""Where a popular implementation is measurably wrong: ours is right, theirs is off by this much, for this reason."""
