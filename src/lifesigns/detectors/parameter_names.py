"""Parameters by their dotted names: which are weights, and how to name many of them in a few words."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NOT_WEIGHTS = re.compile(r"(^|[._])(bias\w*|log_?std\w*|log_?alpha|alpha|temperature|scale|gamma|beta)$")
_NAMELESS = re.compile(r"parameter \d+ \[([^\]]*)\]")
_VALUE_FUNCTION = re.compile(r"(^|[._])(v|vf|qf?\d*|value\w*|\w*critic\w*|\w*value|baseline)([._]|$)")
_SHOWN = 4


def is_weight(name: str) -> bool:
    """Whether a parameter is a weight, not a bias, a scale or a lone scalar such as `log_alpha`.

    A parameter that no module holds is called after its shape ("parameter 3 [64, 4]"): a matrix is a weight.
    """
    if nameless := _NAMELESS.fullmatch(name):
        return "," in nameless[1]
    return _NOT_WEIGHTS.search(name) is None


def is_of_value_function(name: str) -> bool:
    """Whether the name says that the parameter or network is part of a value function."""
    return _VALUE_FUNCTION.search(name.lower()) is not None


def module_of(name: str) -> str:
    """The module that holds a parameter: `actor.0` for `actor.0.weight`; a bare name stands for itself."""
    return name.rpartition(".")[0] or name


def modules(names: Sequence[str]) -> str:
    """The modules of these parameters, in order, at most four of them: "`actor.0`, `actor.2` and 3 more"."""
    found = list(dict.fromkeys(module_of(n) for n in names))
    shown = ", ".join(f"`{m}`" for m in found[:_SHOWN])
    return shown + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")


def some_of(names: Sequence[str], total: int) -> str:
    """How many of `total` parameters these are, and where: "2 of 8 parameters (in `actor.0`)"."""
    if len(names) == total:
        return f"none of the {total} parameters" if total > 1 else f"`{names[0]}`"
    return f"{len(names)} of {total} parameters (in {modules(names)})"
