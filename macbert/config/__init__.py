"""One documented dataclass makes the flags, the YAML keys, the help and the checks of a command."""

from macbert.config.fields import FieldSpec, field_specs
from macbert.config.load import load_config
from macbert.config.recipes import find_recipe, list_recipes

__all__ = ["FieldSpec", "field_specs", "find_recipe", "list_recipes", "load_config"]
