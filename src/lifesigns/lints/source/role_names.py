"""The roles, and what names alone suggest."""

from __future__ import annotations

import re
from enum import StrEnum


class Role(StrEnum):
    """Roles. `MASK` is 1 where the episode goes on (`1 - done`); `LOGITS` is a network's unbounded output."""

    UNKNOWN = "unknown"
    LOSS = "loss"
    LOGITS = "logits"
    PROBABILITY = "probability"
    SIGMOID = "sigmoid output"
    LOG_PROBABILITY = "log-probability"
    RATIO = "probability ratio"
    ENTROPY = "entropy"
    ADVANTAGE = "advantage"
    RETURN = "return"
    VALUE = "value"
    TARGET = "target"
    LABEL = "label"
    REWARD = "reward"
    TERMINATED = "terminated"
    TRUNCATED = "truncated"
    DONE = "done"
    MASK = "mask"
    DISCOUNT = "discount"
    OBSERVATION = "observation"
    NEXT_OBSERVATION = "next observation"
    ACTION = "action"
    INFO = "info"
    OPTIMIZER = "optimizer"
    SCHEDULER = "scheduler"
    NETWORK = "network"
    TARGET_NETWORK = "target network"
    ENVIRONMENT = "environment"
    EVAL_ENVIRONMENT = "evaluation environment"
    LOADER = "data loader"
    EVAL_LOADER = "evaluation data loader"


_PREFIX = r"(?:b_|mb_|batch_|sampled?_|cur_|curr_|current_|new_|old_|next_|last_|prev_|all_|tot_|ext_|int_|t_|s_|_)*"
_SUFFIX = r"(?:_t|_b|_batch|_tensor|_arr|_buf|_buffer|_list|_np|_th|_tm1|_tp1|_old|_new|_th|_mb|_seq|\d)*"


def _named(words: str) -> re.Pattern[str]:
    return re.compile(f"{_PREFIX}(?:{words}){_SUFFIX}$")


NAMES: tuple[tuple[Role, re.Pattern[str]], ...] = (
    (Role.ENTROPY, _named(r"(?!\w*cross)(?:\w+_)?entropy(?:_loss)?|entropies")),
    (Role.LOSS, re.compile(r"(?:\w*_)?loss(?:es)?\d?$|[pvq]_?loss$|loss_\w+$|[a-z]+_loss_\w+$")),
    (Role.LOG_PROBABILITY, _named(r"log_?probs?|log_?p|log_?pi|log_?pis|log_?prob_?a|action_log_?probs?|log_softmax")),
    (Role.LOGITS, _named(r"(?:\w+_)?logits?")),
    (Role.PROBABILITY, _named(r"(?:action_|class_)?probs?|probabilit(?:y|ies)")),
    (Role.RATIO, _named(r"ratios?|prob_ratios?|importance_ratios?")),
    (Role.ADVANTAGE, _named(r"advantages?|advs?|gaes?|gae_advantages?")),
    (Role.MASK, _named(r"not_?dones?|non_?terminals?|non_?term|nextnonterminal|not_?terminated|continues")),
    (Role.TERMINATED, _named(r"terminated|terminateds|terminations?|terminals?|terms?|is_terminal")),
    (Role.TRUNCATED, _named(r"truncated|truncateds|truncations?|truncs?|time_?outs?")),
    (Role.DONE, _named(r"dones?|is_done|done_flags?|done_mask|episode_starts?|ds")),
    (Role.REWARD, _named(r"(?:\w+_)?rewards?|rews?|rs")),
    (Role.DISCOUNT, re.compile(r"(?:\w+_)?gamma$|discount(?:_factor)?$|γ$")),
    (Role.RETURN, _named(r"returns?|rets?|discounted_returns?|rewards_to_go|rtgs?|returns_to_go")),
    (Role.TARGET, _named(r"(?:td|q|v|value|bellman|critic)_?targets?|target_(?:q|v|value|q_values?|values?)|y_target")),
    (Role.NEXT_OBSERVATION, re.compile(r"(?:\w*_)?(?:next|new)_?(?:obs|observations?|states?)(?:_\w+)?$|s_next$|s2$")),
    (Role.OBSERVATION, _named(r"obs|observations?|states?")),
    (Role.ACTION, _named(r"actions?|acts?")),
    (Role.VALUE, _named(r"(?:q_?|state_|next)?values?|q|qs|q\d|qf\d?|v|vs|q_?vals?|vf|next_q\w*|qf\d_next_target")),
    (Role.LABEL, _named(r"labels?|y_true|ground_truth")),
)  # fmt: skip
"""role ← names, first match wins; tried only where values tell nothing."""
_TARGET_NET = re.compile(r"(?:^|_)(?:target|targ|tgt)(?:_|$|net|s$)|(?:target|targ)$|_t(?:arget)?_net")
FOR_EVAL = re.compile(r"(?:^|_)(?:eval|evaluation|test|val|valid|validation)(?:_|$|\d|env|loader)")
TRANSPARENT = frozenset(
    {
        "to", "float", "double", "half", "cpu", "cuda", "detach", "clone", "contiguous", "view", "reshape", "squeeze",
        "unsqueeze", "flatten", "mean", "sum", "item", "numpy", "tensor", "as_tensor", "from_numpy", "FloatTensor",
        "Tensor", "array", "asarray", "astype", "requires_grad_", "cat", "stack", "concatenate", "tolist", "long",
        "bool", "int", "copy", "expand", "transpose", "permute", "type", "nan_to_num", "masked_fill", "T", "ravel",
        "rearrange",
        "gather", "take_along_dim", "index_select", "data", "nanmean", "sg", "stop_gradient", "float32",
    }
)  # fmt: skip
"""operations that leave a role as it is."""


def role_of_name(name: str) -> Role:
    """The role that a name alone suggests (its last part: `data.dones` → DONE)."""
    last = last_part(name)
    return next((role for role, words in NAMES if words.match(last)), Role.UNKNOWN)


def last_part(name: str) -> str:
    """`dones` of `data.dones` and of `batch['dones']`, in lower case."""
    return re.split(r"[.\[]", name.rstrip("]'\""))[-1].strip("'\"").lower()


def role_of_object_name(name: str) -> Role:
    """TARGET_NETWORK or NETWORK, for the name of something known to be a network."""
    return Role.TARGET_NETWORK if _TARGET_NET.search(last_part(name)) else Role.NETWORK
