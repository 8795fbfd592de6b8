"""Names to canonical dotted names: imports, aliases, relative imports, and the library's own second names."""

from __future__ import annotations

import ast

from lifesigns.lints.source.tree import Index

SECOND_NAMES: dict[str, str] = {
    "torch.functional": "torch",
    "torch.nn.modules.module": "torch.nn",
    "torch.nn.modules": "torch.nn",
    "torch.nn.parameter": "torch.nn",
    "torch.optim.adam": "torch.optim",
    "torch.optim.optimizer": "torch.optim",
    "torch.autograd.grad_mode": "torch",
    "torch.utils.data.dataloader": "torch.utils.data",
    "torch.distributions.categorical": "torch.distributions",
    "torch.distributions.normal": "torch.distributions",
    "torch.special": "torch",
    "gymnasium.core": "gymnasium",
    "gym": "gymnasium",
    "gymnasium.wrappers.record_episode_statistics": "gymnasium.wrappers",
}
"""module → the module under whose name rules know its members; `gym` counts as `gymnasium`."""
_SKIPPED_PARTS = ("torch.nn.modules.", "torch.distributions.", "torch.optim.", "gymnasium.wrappers.")


def canonical(name: str) -> str:
    """`gym.make` → `gymnasium.make`, `torch.nn.modules.loss.MSELoss` → `torch.nn.MSELoss`."""
    if name == "gym" or name.startswith("gym."):
        name = "gymnasium" + name[3:]
    head, _, tail = name.rpartition(".")
    if head in SECOND_NAMES:
        return f"{SECOND_NAMES[head]}.{tail}"
    if tail[:1].isupper():
        for start in _SKIPPED_PARTS:
            if head.startswith(start) and head[len(start) :].islower() and "scheduler" not in head:
                return f"{start.removesuffix('modules.')}{tail}"
    return name


def import_table(index: Index, module: str, is_package: bool) -> dict[str, str]:
    """Local name → absolute dotted name, of all imports wherever they stand; `*` imports under `*0`, `*1`, …"""
    table: dict[str, str] = {}
    package = module if is_package else module.rpartition(".")[0]
    for node in index.imports:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    table[alias.asname] = canonical(alias.name)
                else:
                    first = alias.name.split(".")[0]
                    table[first] = canonical(first)
            continue
        base = node.module or ""
        if node.level:
            parts = package.split(".") if package else []
            parts = parts[: len(parts) - node.level + 1]
            base = ".".join([*parts, base] if base else parts)
        for alias in node.names:
            if alias.name == "*":
                table[f"*{len(table)}"] = base
            else:
                table[alias.asname or alias.name] = canonical(f"{base}.{alias.name}".strip("."))
    return table
