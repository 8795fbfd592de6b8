"""Which records the operands of an operation have; data that no logged operation made get one.

Flows in: arguments of tensor operations. Flows out: numbers of records, and the mark that a tensor carries.
"""

from __future__ import annotations

from typing import Any

from .oplog import KEEP_ELEMENTS, TAG, to_array
from .session import Session


def tag(torch: Any, tensor: Any, number: Any) -> None:
    """Notes on a tensor which record it is; a parameter has none."""
    if number is not None and (type(tensor) is torch.Tensor or not isinstance(tensor, torch.nn.Parameter)):
        setattr(tensor, TAG, number)


def zero(torch: Any, tensor: Any) -> None:
    """Fills memory that was not initialised, which may hold anything and need not be the same in two runs: an array
    that is filled row by row would differ else."""
    if isinstance(tensor, torch.Tensor) and tensor.layout is torch.strided and tensor.device.type == "cpu":
        with torch.no_grad():
            tensor.detach().zero_()


def tensors_of(torch: Any, args: Any) -> list[Any]:
    """The tensors among arguments, and in lists and tuples among them."""
    several = (value if isinstance(value, tuple | list) else (value,) for value in args)
    return [one for values in several for one in values if isinstance(one, torch.Tensor)]


def parents(torch: Any, args: Any) -> tuple[int, ...]:
    """The records of the tensors among arguments; -1 for one that has none."""
    return tuple(-1 if (n := getattr(one, TAG, None)) is None else n for one in tensors_of(torch, args))


def of_operation(torch: Any, session: Session, args: Any, site: int) -> tuple[int, ...]:
    """The same; of operations with several operands, one that no logged operation made (`torch.from_numpy`, the old
    constructors) gets a record of its own, named `given`."""
    tensors = tensors_of(torch, args)
    for one in tensors if len(tensors) > 1 else ():
        if getattr(one, TAG, None) is None and _is_data(torch, one):
            array = to_array(one)
            tag(torch, one, None if array is None else session.add("op", "given", site, array))
    return parents(torch, tensors)


def _is_data(torch: Any, tensor: Any) -> bool:
    small = tensor.dim() > 0 and tensor.numel() <= KEEP_ELEMENTS
    return small and not tensor.requires_grad and not isinstance(tensor, torch.nn.Parameter)


def is_swapped(torch: Any, args: Any, result: Any) -> bool:
    """Whether a property put out its operand with axes swapped (`.T`, `.mT`, `.H`)."""
    if not (isinstance(result, torch.Tensor) and args and isinstance(args[0], torch.Tensor) and result.dim() >= 2):
        return False
    return result.stride() != args[0].stride() and result.numel() == args[0].numel()
