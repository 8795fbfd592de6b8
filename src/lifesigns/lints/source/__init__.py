"""Reads Python without running it: names, flows, kinds and roles; `Source` is what a rule is given."""

from lifesigns.lints.source.algebra import Factor, Term
from lifesigns.lints.source.calling import Op
from lifesigns.lints.source.classes import ClassInfo
from lifesigns.lints.source.files import Text, Unread
from lifesigns.lints.source.project import Project
from lifesigns.lints.source.role_names import Role
from lifesigns.lints.source.source import Source, in_order, position
from lifesigns.lints.source.steps import EnvStep
from lifesigns.lints.source.tree import Binding, Scope
from lifesigns.lints.source.values import Value

__all__ = [
    "Binding", "ClassInfo", "EnvStep", "Factor", "Op", "Project", "Role", "Scope", "Source", "Term", "Text", "Unread",
    "Value", "in_order", "position",
]  # fmt: skip
