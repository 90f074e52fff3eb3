"""One page a command, made from the dataclass that makes its flags, its YAML keys and its ``--help``."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

from macbert.cli.commands import COMMANDS, Command
from macbert.config import field_specs, list_recipes
from macbert.config.fields import FieldSpec
from macbert.config.load import flag

WORDS = {
    "en": {
        "frame": "Made from the program's own settings: what `{name} --help` prints. "
        "In a recipe the names have underscores in place of dashes, without the dashes in front.",
        "header": "| setting | default | what it is |",
        "required": "required",
        "recipes": "a YAML file of these settings, or one that is shipped: {names}",
        "json": "print the result as one JSON object",
        "quiet": "no progress bars and no log lines",
        "title": "Commands",
        "overview": "Every command takes `--help`, `--json` and `--quiet`. Exit codes: 0 done, 2 the input is wrong "
        "(nothing was written), 1 a fault of the machine or of the program.",
    },
    "zh": {
        "frame": "本页由程序自身的设置生成，内容与 `{name} --help` 相同；各项说明目前只有英文。"
        "写进 YAML 配方时，去掉开头的两个短横，其余短横改成下划线。",
        "header": "| 设置 | 默认值 | 说明（英文） |",
        "required": "必填",
        "recipes": "包含以下设置的 YAML 文件，或随包附带的配方：{names}",
        "json": "把结果打印成一个 JSON 对象",
        "quiet": "不显示进度条和日志",
        "title": "命令一览",
        "overview": "每条命令都有 `--help`、`--json`、`--quiet`。退出码：0 完成；2 输入有问题（什么都没写）；"
        "1 机器或程序的问题。命令的一句话介绍与各项说明取自程序本身，目前只有英文。",
    },
}


def page_name(path: tuple[str, ...]) -> str:
    """Return the name of a command's page, such as ``commands/corpus-build``."""
    return "commands/" + "-".join(path)


def all_pages(language: str) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of the overview and of each command's page; the language is that of the page's frame."""
    words = WORDS[language]
    rows = [
        f"| [`macbert {' '.join(path)}`]({page_name(path).partition('/')[2]}.md) | {command.summary} |"
        for path, command in COMMANDS.items()
    ]
    yield "commands/index", "\n".join([f"# {words['title']}", "", words["overview"], "", "| | |", "|-|-|", *rows, ""])
    for path, command in COMMANDS.items():
        yield page_name(path), one_page(path, command, words)


def one_page(path: tuple[str, ...], command: Command, words: dict[str, str]) -> str:
    """Return one command's page as Markdown."""
    module, name = command.config.split(":")
    specs = field_specs(getattr(importlib.import_module(module), name))
    full = f"macbert {' '.join(path)}"
    rows = [_row(spec, command, words) for spec in specs]
    if command.recipe:
        known = ", ".join(f"`{name}`" for name in list_recipes(command.recipe))
        title = "`--config FILE`" if command.positional else "`RECIPE`, `--config FILE`"
        rows.insert(0, f"| {title} | | {words['recipes'].format(names=known)} |")
    rows += [f"| `--json` | | {words['json']} |", f"| `--quiet` | | {words['quiet']} |"]
    usage = f"{full} {command.positional.upper()}" if command.positional else full
    if command.recipe and not command.positional:
        usage += " [RECIPE]"
    lines = [f"# {full}", "", f"{command.summary[:1].upper()}{command.summary[1:]}.", "", "```text"]
    lines += [f"{usage} [--setting value ...]", "```", "", words["frame"].format(name=full), ""]
    return "\n".join([*lines, words["header"], "|-|-|-|", *rows, ""])


def _row(spec: FieldSpec, command: Command, words: dict[str, str]) -> str:
    title = spec.name.upper() if spec.name == command.positional else flag(spec.name)
    if spec.choices:
        title += f" {{{'|'.join(spec.choices)}}}"
    elif not spec.is_switch and spec.name != command.positional:
        title += " VALUE..." if spec.takes_many else " VALUE"
    default = words["required"] if spec.required else _code(str(spec.default))
    return f"| {_code(title)} | {default} | {_prose(' '.join(spec.doc.split()))} |"


def _code(text: str) -> str:
    return f"`{text}`" if text else '`""`'


def _prose(text: str) -> str:
    """Return a docstring's text for a cell of a table: outside of code, signs that Markdown would read are escaped."""
    parts = re.split(r"(``.+?``|`.+?`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([\[\]<*_|])", r"\\\1", part) for part in parts)
