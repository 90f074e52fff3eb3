"""What is said to a chat model: YAML files beside this one, by language, task and style; read here, written nowhere."""

from __future__ import annotations

import functools
from importlib import resources
from string import Template
from typing import Any

import yaml


@functools.cache
def load_prompts(language: str) -> dict[str, Any]:
    """Return the prompt file of a language (``zh``, ``en``) as it stands.

    >>> load_prompts("zh")["none"]
    '无'
    """
    text = (resources.files(__name__) / f"{language}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def fill(template: str, **values: str) -> str:
    """Put values for the ``$names`` of a template; ``$$`` is a dollar sign.

    >>> fill("文本：$text", text="李雷在北京。")
    '文本：李雷在北京。'
    """
    return Template(template).substitute(values)
