"""What is known of a position of a row before masking: bits of one mark."""

from __future__ import annotations

# TEXT: a token that may be masked, not a [CLS], [SEP] or [PAD] of the layout. WORD: the first token of a word. EDGE:
# the first token of a sentence or segment, which no unit crosses; it begins a word too.
TEXT, WORD, EDGE = 1, 2, 4
