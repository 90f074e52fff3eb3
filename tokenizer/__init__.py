"""Documents to token ids, word boundaries and similar words (floor 1: never imports torch)."""
