"""Duplicates: which documents say the same, and which one of them stays."""
