"""Optimiser steps of a dyed run, and the settings that the code below them holds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .. import callsite
from .session import Session


class Steps:
    """Each optimiser step: the gradient that it is given and what it does to the parameters, each as one vector."""

    def __init__(self, torch: Any, session: Session, untouched: Callable[[Any], bool] = lambda parameter: True) -> None:
        self.torch, self.session, self.untouched = torch, session, untouched
        self.numbers: dict[int, int] = {}
        self.held: list[Any] = []
        self.before_values: dict[int, Any] = {}
        self.after_values: dict[int, list[Any]] = {}

    def before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """The gradient (of a light run, that there was one), and the parameters as they are; from here to `after`
        nothing is logged."""
        session = self.session
        if session.quiet:
            return
        session.quiet += 1
        try:
            name = f"{type(optimizer).__name__}#{self._number(optimizer)}"
            site = session.site(sys._getframe(1))
            if session.light:
                session.add("grad", name, site, self.torch.zeros(1).numpy())
                self.before_values[id(optimizer)] = None
                return
            parameters = self.parameters(optimizer)
            zeros = self.torch.zeros
            flat = [
                (zeros(p.numel()) if p.grad is None else p.grad.detach().to_dense().reshape(-1).float().cpu())
                for p in parameters
            ]
            if flat:
                session.add("grad", name, site, self.torch.cat(flat).numpy())
            self.before_values[id(optimizer)] = (
                name,
                site,
                [p.detach().clone().reshape(-1).float().cpu() for p in parameters],
            )
            self._describe(name, parameters, self.after_values.get(id(optimizer)))
        except Exception:
            session.fail()

    def _describe(self, name: str, parameters: list[Any], last: list[Any] | None) -> None:
        about = self.session.notes.setdefault("optimizers", {})
        missing = [i for i, p in enumerate(parameters) if p.grad is None or not bool(p.grad.detach().any())]
        seen = about.get(name)
        if seen is None:
            missing = [i for i in missing if self.untouched(parameters[i])]  # the rest has been moved by other means
            about[name] = {
                "parameters": len(parameters),
                "never": missing,
                "shapes": [list(p.shape) for p in parameters],
            }
        else:
            still = set(seen["never"]) & set(missing)
            if last is not None and len(last) == len(
                parameters
            ):  # what is moved by other means is trained all the same
                still -= {
                    i for i in still if not bool((parameters[i].detach().reshape(-1).float().cpu() == last[i]).all())
                }
            seen["never"] = sorted(still)

    def after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """The step; what the optimiser itself computed was not logged."""
        session = self.session
        if id(optimizer) not in self.before_values:
            return
        try:
            held = self.before_values.pop(id(optimizer))
            if held is None:
                return
            name, site, before = held
            after = [p.detach().clone().reshape(-1).float().cpu() for p in self.parameters(optimizer)]
            self.after_values[id(optimizer)] = after
            if after:
                session.add("step", name, site, (self.torch.cat(after) - self.torch.cat(before)).numpy())
            settings(session, sys._getframe(1))
        except Exception:
            session.fail()
        finally:
            session.quiet -= 1
            session.on_update()

    def _number(self, optimizer: Any) -> int:
        if id(optimizer) not in self.numbers:
            self.numbers[id(optimizer)] = len(self.numbers)
            self.held.append(optimizer)
        return self.numbers[id(optimizer)]

    def parameters(self, optimizer: Any) -> list[Any]:
        """All parameters of an optimiser, in its order."""
        return [p for group in optimizer.param_groups for p in group["params"]]


SETTINGS = {
    "gamma": ("gamma", "discount", "discount_factor", "gam", "discount_rate", "reward_decay", "gamma_"),
    "lambda": (
        "gae_lambda",
        "lam",
        "lambda_",
        "gae_lam",
        "lmbda",
        "td_lambda",
        "lambd",
        "lamda",
        "lamb",
        "lambda_gae",
        "gae_tau",
        "gae_gamma",
        "gae_param",
        "gae_parameter",
        "gae_factor",
        "gae_coef",
        "gae_decay",
        "trace_decay",
    ),
    "n_step": ("n_step", "n_steps_return", "nstep", "multi_step", "n_step_return", "num_step_return", "n_steps_td"),
}
"""What the code calls its discount, the λ of its advantages and the horizon of its multi-step targets."""


def settings(session: Session, frame: Any) -> None:
    """Reads the values of such names off the frames below an optimiser step, their objects and their modules; each with
    whose it is: an argument's (of a command line), the user's (a variable, an object of the script's), a library's."""
    if "settings" in session.notes:
        return
    found: dict[str, list[tuple[str, float, str]]] = {}
    seen: set[int] = set()
    while frame is not None:
        users = callsite.kind_of(frame.f_code.co_filename) == callsite.USER
        for scope in (frame.f_locals, frame.f_globals):
            if id(scope) not in seen:
                seen.add(id(scope))
                _collect(scope, found, seen, 0, "user" if users else "library")
        frame = frame.f_back
    session.notes["setting_names"] = _SETTING
    session.notes["settings"] = {k: sorted(set(v)) for k, v in found.items()}


def _collect(scope: Any, found: dict[str, Any], seen: set[int], depth: int, whose: str) -> None:
    for name, value in list(scope.items()):
        if not isinstance(name, str):
            continue
        kind = _SETTING.get(name.lower())
        if kind and isinstance(value, int | float) and not isinstance(value, bool):
            found.setdefault(kind, []).append((name, float(value), whose))
        elif depth < 2 and not name.startswith("__") and id(value) not in seen:
            inner = value if type(value) is dict else getattr(value, "__dict__", None)
            module = type(value).__module__.split(".")[0]
            plain = type(value) is dict or module not in ("builtins", "torch", "numpy", "types")
            if type(inner) is dict and plain and len(inner) < 300:
                users = whose != "library"
                own = users and (type(value) is dict or callsite.is_users(value))
                if users or not callsite.is_users(value):
                    seen.add(id(value))
                argument = users and module == "argparse"
                _collect(inner, found, seen, depth + 1, "argument" if argument else "user" if own else "library")


_SETTING = {name: kind for kind, names in SETTINGS.items() for name in names}
