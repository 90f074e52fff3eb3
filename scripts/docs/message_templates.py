"""Every phrase that an error of ours is made of, found in the source: what the catalogue of messages must hold.

    python scripts/docs/message_templates.py [corpus|tokenizer|macbert]    # every phrase of a floor

A phrase is the literal of an ``expected=``, ``found=`` or ``fix=`` of ``Problem(...)`` and ``UserError.at(...)``, with
``{}`` for each value in it. Names are followed to what is assigned to them in the same function or module, parameters
to what the module's calls give; what comes from elsewhere (an exception's text, a file's content) is a value.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("expected", "found", "fix")
RULES = {"check_rules": 1, "broken_rules": 1}
"""Functions that make problems of (field, expected, holds): the place of the list among their arguments."""
MAX_DEPTH = 6


@dataclass(frozen=True)
class Phrase:
    """One phrase at one place."""

    part: str
    template: str
    where: str


@functools.cache
def phrases(floor: str) -> list[Phrase]:
    """Return the phrases of a floor."""
    found: list[Phrase] = []
    for path in sorted((ROOT / floor).rglob("*.py")):
        found += _Module(path).phrases()
    return found


class _Module:
    def __init__(self, path: Path) -> None:
        self.name = path.relative_to(ROOT).as_posix()
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]

    def phrases(self) -> Iterator[Phrase]:
        for call in self.calls:
            for part, node in self._parts(call):
                for template in sorted(self._templates(node, call, 0)):
                    if any(character.isalpha() for character in template.replace("{}", "")):
                        yield Phrase(part, template, f"{self.name}:{call.lineno}")

    def _parts(self, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
        name = ast.unparse(call.func)
        if name == "Problem" and not any(isinstance(argument, ast.Starred) for argument in call.args):
            yield from zip(PARTS, call.args[1:], strict=False)
        if name in ("Problem", "UserError.at", "cls.at", "error.at"):
            yield from ((word.arg, word.value) for word in call.keywords if word.arg in PARTS)
        if name in RULES:
            for node in ast.walk(self.tree):
                if isinstance(node, ast.Tuple) and len(node.elts) == 3 and self._function(node) is self._function(call):
                    yield "expected", node.elts[1]

    def _templates(self, node: ast.expr, at: ast.AST, depth: int) -> set[str]:
        """Return the templates that an expression may give; "{}" for what is not known here."""
        if depth > MAX_DEPTH:
            return {"{}"}
        if isinstance(node, ast.Constant):
            return {_escaped(node.value)} if isinstance(node.value, str) else {"{}"}
        if isinstance(node, ast.JoinedStr):
            return {"".join(_piece(value) for value in node.values)}
        if isinstance(node, ast.IfExp):
            return self._templates(node.body, at, depth + 1) | self._templates(node.orelse, at, depth + 1)
        if isinstance(node, ast.BoolOp):
            return set().union(*(self._templates(value, at, depth + 1) for value in node.values))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = (self._templates(side, at, depth + 1) for side in (node.left, node.right))
            return {first + second for first in left for second in right}
        if isinstance(node, ast.NamedExpr):
            return self._templates(node.value, at, depth + 1)
        if isinstance(node, ast.Name):
            return self._of_name(node.id, at, depth)
        return {"{}"}

    def _of_name(self, name: str, at: ast.AST, depth: int) -> set[str]:
        function = self._function(at)
        while function is not None:
            assigned = list(self._assigned(function, name))
            if assigned:
                return set().union(*(self._templates(value, at, depth + 1) for value in assigned))
            parameters = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
            if name in parameters or name in [argument.arg for argument in function.args.kwonlyargs]:
                return self._given(function, name, parameters, depth)
            function = self._function(self.parents.get(function))
        assigned = [
            node.value
            for node in self.tree.body
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
        ]
        return set().union(*(self._templates(value, self.tree, depth + 1) for value in assigned)) or {"{}"}

    def _assigned(self, function: ast.AST, name: str) -> Iterator[ast.expr]:
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name) and target.id == name:
                        yield node.value
                    elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                        for one, value in zip(target.elts, node.value.elts, strict=False):
                            if isinstance(one, ast.Name) and one.id == name:
                                yield value
            elif isinstance(node, ast.NamedExpr) and node.target.id == name:
                yield node.value

    def _given(self, function: ast.FunctionDef, name: str, parameters: list[str], depth: int) -> set[str]:
        found: set[str] = set()
        for call in self.calls:
            if ast.unparse(call.func).split(".")[-1] != function.name:
                continue
            # Methods are called without their first parameter.
            own = parameters[1:] if parameters[:1] in (["self"], ["cls"]) else parameters
            given = {word.arg: word.value for word in call.keywords} | dict(zip(own, call.args, strict=False))
            if name in given:
                found |= self._templates(given[name], call, depth + 1)
        return found or {"{}"}

    def _function(self, node: ast.AST | None) -> ast.FunctionDef | None:
        while node is not None and not isinstance(node, ast.FunctionDef):
            node = self.parents.get(node)
        return node


def _piece(node: ast.expr) -> str:
    return _escaped(str(node.value)) if isinstance(node, ast.Constant) else "{}"


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def main() -> None:
    """Print every phrase of a floor."""
    floors = sys.argv[1:] or ["corpus", "tokenizer", "macbert"]
    for floor in floors:
        for part in PARTS:
            for template in sorted({phrase.template for phrase in phrases(floor) if phrase.part == part}):
                print(f"{floor}\t{part}\t{template}")


if __name__ == "__main__":
    main()
