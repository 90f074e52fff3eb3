"""Raw files to clean, deduplicated documents (floor 0: never imports torch)."""
