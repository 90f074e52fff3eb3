"""A small classifier that learns to tell wanted from unwanted text, trained on one's own examples, with no download."""
