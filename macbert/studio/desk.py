"""What all pages of one studio share: the folders, the models that are loaded, and the limits on a text."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from corpus.errors import UserError
from macbert.studio.config import StudioConfig
from macbert.studio.places import Places

KEPT = 4
"""Models in memory at once; the one that was used longest ago makes room."""

Loaded = TypeVar("Loaded")


class Desk:
    """Made once; used by the threads of all requests."""

    def __init__(self, config: StudioConfig) -> None:
        self.config = config
        self.places = Places(config)
        self.working = threading.Lock()
        """Held while a model computes: two at once would only slow each other down."""
        self.asking = threading.Lock()
        """Held while the chat model is asked: its cache has one writer."""
        self._models: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def loaded(self, folder: Path, purpose: tuple[Any, ...], load: Callable[[], Loaded]) -> Loaded:
        """Return what ``load`` makes of a folder, anew where the folder has been written since; call it with
        ``working`` held."""
        written = max((path.stat().st_mtime_ns for path in folder.iterdir() if path.is_file()), default=0)
        key = (str(folder), *purpose, written)
        if key not in self._models:
            for old in [old for old in self._models if old[:-1] == key[:-1]]:
                del self._models[old]
            while len(self._models) >= KEPT:
                self._models.popitem(last=False)
            self._models[key] = load()
        self._models.move_to_end(key)
        found: Loaded = self._models[key]
        return found

    def checked(self, text: Any) -> str:
        """Return a text that may be read.

        Raises:
            UserError: none, one that is too long, or one that UTF-8 cannot say.
        """
        if not isinstance(text, str) or not text.strip():
            raise UserError.at("text", expected="some text", found="none", fix="type one")
        most = self.config.max_characters
        if len(text) > most:
            found, fix = f"{len(text):,} characters", "give a shorter one (or start with --max-characters)"
            raise UserError.at("text", expected=f"at most {most:,} characters", found=found, fix=fix)
        if text.encode("utf-8", "replace").decode("utf-8") != text:
            raise UserError.at("text", expected="text", found="half a surrogate pair", fix="remove it")
        return text
