"""What the tabs do with Gradio alike: choosing a folder, and a button whose mistakes are told in the page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from corpus.errors import MissingExtra, UserError
from macbert.studio.desk import Desk
from macbert.studio.markup import Say, notice

logger = logging.getLogger(__name__)

Work = Callable[..., Any]


@dataclass(frozen=True)
class Choice:
    """A list of folders to choose from; a page that is loaded anew fills it anew."""

    kind: str
    """Of the folders."""

    tasks: tuple[str, ...] | None
    """Of the models; None for any."""

    empty: str | None
    """What stands for none, if none may be chosen."""

    dropdown: Any
    """Gradio's."""

    def fill(self, desk: Desk, chosen: Any) -> Any:
        """Return the list with what is there now; what was chosen stays chosen where it still is there."""
        import gradio as gr

        choices = _choices(desk, self.kind, self.tasks, self.empty)
        if chosen not in (choices if self.empty is None else ["", *choices[1:]]):
            chosen = "" if self.empty is not None else next(iter(choices), None)
        return gr.Dropdown(choices=choices, value=chosen)


def choose(
    desk: Desk, label: str, kind: str, tasks: tuple[str, ...] | None = None, *, empty: str | None = None
) -> Choice:
    """Lay out a list of folders; with ``empty`` its first line stands for none."""
    import gradio as gr

    choices = _choices(desk, kind, tasks, empty)
    value = choices[0] if choices else None
    dropdown = gr.Dropdown(choices, value="" if empty is not None else value, label=label)
    return Choice(kind, tasks, empty, dropdown)


def _choices(desk: Desk, kind: str, tasks: tuple[str, ...] | None, empty: str | None) -> list[Any]:
    names = desk.places.of(kind, tasks)
    return names if empty is None else [(empty, ""), *names]


def told(work: Work, say: Say, outputs: int = 1) -> Work:
    """Return ``work`` with mistakes told in the first of its outputs; the others stay as they are."""
    import gradio as gr

    def safely(*values: Any) -> Any:
        try:
            return work(*values)
        except (UserError, MissingExtra) as error:
            message = notice(str(error))
        except OSError as error:
            message = notice(say("机器出错：", "The machine refused: ") + str(error.strerror or error))
        except Exception:
            logger.exception("a page could not be answered")
            message = notice(say("内部错误，详见终端。", "A fault of ours; the terminal has the details."))
        return message if outputs == 1 else (message, *[gr.skip()] * (outputs - 1))

    return safely


def nothing_here(say: Say, flag: str) -> None:
    """Say that no folder of the kind was given."""
    import gradio as gr

    text = say(
        f"没有可打开的文件夹；启动时请给 {flag} 或 --root。", f"Nothing to open here; start with {flag} or --root."
    )
    gr.HTML(notice(text))
