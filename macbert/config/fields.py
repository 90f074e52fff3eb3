"""What a configuration dataclass says about itself: names, types, defaults, and the docstring under each field."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from typing import Any, Literal


@dataclasses.dataclass(frozen=True)
class FieldSpec:
    """One setting: a flag ``--name``, a YAML key ``name`` and a dataclass field ``name``."""

    name: str
    """Dotted for a field of a nested dataclass: ``masking.strategy``."""

    annotation: Any
    """The resolved type."""

    default: Any
    """``dataclasses.MISSING`` where a value must be given."""

    doc: str
    """The docstring under the field."""

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is dataclasses.MISSING

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that a ``Literal`` allows, else nothing."""
        return tuple(
            str(value)
            for part in _alternatives(self.annotation)
            if typing.get_origin(part) is Literal
            for value in typing.get_args(part)
        )

    @property
    def takes_many(self) -> bool:
        """Whether the flag takes several values (a list or tuple field)."""
        return any(typing.get_origin(part) in (list, tuple) for part in _alternatives(self.annotation))

    @property
    def is_switch(self) -> bool:
        """Whether the flag may stand without a value (a bool field)."""
        return bool in _alternatives(self.annotation)


def field_specs(config_class: type) -> tuple[FieldSpec, ...]:
    """Return the settings of a dataclass in the order they are written, nested dataclasses flattened with dots."""
    annotations = typing.get_type_hints(config_class)
    docs = _field_docs(config_class)
    specs: list[FieldSpec] = []
    for field in dataclasses.fields(config_class):
        annotation = annotations[field.name]
        if dataclasses.is_dataclass(annotation):
            inner_specs = field_specs(typing.cast(type, annotation))
            specs += [dataclasses.replace(inner, name=f"{field.name}.{inner.name}") for inner in inner_specs]
            continue
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        specs.append(FieldSpec(field.name, annotation, default, docs.get(field.name, "")))
    return tuple(specs)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _field_docs(config_class: type) -> dict[str, str]:
    """Return the string literal that stands right under each field, by field name, base classes included."""
    docs: dict[str, str] = {}
    for owner in reversed(config_class.__mro__):
        if not dataclasses.is_dataclass(owner):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        assert isinstance(body, ast.ClassDef)
        for statement, following in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
                and isinstance(following.value.value, str)
            ):
                docs[statement.target.id] = inspect.cleandoc(following.value.value)
    return docs
