"""What the libraries' names mean: which calls make what kind of object, and which kinds are which."""

from __future__ import annotations

TENSOR, ARRAY, MODULE = "torch.Tensor", "numpy.ndarray", "torch.nn.Module"
OPTIMIZER, SCHEDULER = "torch.optim.Optimizer", "torch.optim.lr_scheduler.LRScheduler"
ENV, VECTOR_ENV, LOADER = "gymnasium.Env", "gymnasium.vector.VectorEnv", "torch.utils.data.DataLoader"
DISTRIBUTION = "torch.distributions.Distribution"

MAKES: dict[str, str] = {
    "gymnasium.make": ENV,
    "gymnasium.make_vec": VECTOR_ENV,
    "gymnasium.vector.make": VECTOR_ENV,
    "gymnasium.vector.SyncVectorEnv": VECTOR_ENV,
    "gymnasium.vector.AsyncVectorEnv": VECTOR_ENV,
    "stable_baselines3.common.env_util.make_vec_env": "stable_baselines3.common.vec_env.VecEnv",
    "stable_baselines3.common.env_util.make_atari_env": "stable_baselines3.common.vec_env.VecEnv",
    "timm.create_model": MODULE,
    "torch.hub.load": MODULE,
    "copy.deepcopy": "=0",
    "copy.copy": "=0",
    "torch.compile": "=0",
    "torch.jit.script": "=0",
    "torch.nn.DataParallel": "=0",
    "torch.nn.parallel.DistributedDataParallel": "=0",
}
"""call → kind of what it returns; `=0` is the kind of its first argument."""
NOT_TENSORS = frozenset(
    {
        "device", "load", "save", "no_grad", "enable_grad", "inference_mode", "manual_seed", "Generator", "dtype",
        "get_rng_state", "set_num_threads", "compile", "is_tensor", "set_grad_enabled", "finfo", "iinfo", "numel",
        "autocast", "get_default_dtype", "set_default_dtype", "typename", "allclose", "equal", "seed", "initial_seed",
    }
)  # fmt: skip
"""members of `torch` whose result is no tensor."""
TENSOR_ENDS = frozenset(
    {"item", "tolist", "numpy", "size", "dim", "numel", "element_size", "backward", "data_ptr", "get_device", "stride"}
)
"""tensor methods whose result is no tensor."""
SAME_OBJECT = frozenset(
    {"to", "cuda", "cpu", "eval", "train", "double", "float", "half", "requires_grad_", "share_memory", "apply"}
)
"""methods of a module that return it."""
DISTRIBUTION_NAMES = frozenset(
    {
        "Categorical", "Normal", "MultivariateNormal", "Beta", "Bernoulli", "Independent", "TransformedDistribution",
        "OneHotCategorical", "Gumbel", "Laplace", "Uniform", "Gamma", "Dirichlet", "MixtureSameFamily", "LogNormal",
    }
)  # fmt: skip


def kind_of_call(name: str) -> str | None:
    """Kind of what the call of a library's canonical name returns."""
    made = MAKES.get(name)
    if made is not None:
        return made
    head, _, tail = name.rpartition(".")
    if head == "torch" and tail not in NOT_TENSORS and tail[:1].islower():
        return TENSOR
    if head in ("torch.nn.functional", "torch.linalg", "torch.fft"):
        return TENSOR
    if head == "numpy" and tail[:1].islower():
        return ARRAY
    if head.startswith("torchvision.models") and tail[:1].islower():
        return MODULE
    if head.startswith("gymnasium.wrappers"):
        return VECTOR_ENV if ".vector" in head else ENV
    if tail == "from_pretrained" and name.startswith(("transformers.", "trl.", "peft.")):
        return name.rpartition(".")[0]
    return name if tail[:1].isupper() else None


def is_kind(kind: str, wanted: str) -> bool:
    """Whether a library's class is of a kind: `torch.optim.Adam` is a `torch.optim.Optimizer`."""
    if kind == wanted:
        return True
    head, _, tail = kind.rpartition(".")
    if wanted == OPTIMIZER:
        return (head.startswith("torch.optim") and "scheduler" not in head) or tail in ("AdamW", "Adafactor", "Lion")
    if wanted == SCHEDULER:
        return "lr_scheduler" in head
    if wanted == MODULE:
        if tail == "Module" and kind.startswith(("torch.", "lightning", "pytorch_lightning")):
            return True
        if tail in ("LightningModule", "PreTrainedModel", "BaseFeaturesExtractor", "BasePolicy"):
            return True
        if head == "torch.nn" or head.startswith("torch.nn.modules"):
            return tail not in ("Parameter", "UninitializedParameter", "Buffer")
        return kind.startswith("transformers.") and ("Model" in tail or "For" in tail)
    if wanted in (ENV, VECTOR_ENV):
        if kind == VECTOR_ENV or "VecEnv" in tail or "VectorEnv" in tail:
            return True
        return wanted == ENV and (tail in ("Env", "Wrapper") or tail.endswith(("Wrapper", "Env")))
    if wanted == LOADER:
        return tail == "DataLoader"
    if wanted == DISTRIBUTION:
        return head.startswith("torch.distributions") and tail in DISTRIBUTION_NAMES
    return False


MODULE_OPS: dict[str, str] = {
    "CrossEntropyLoss": "cross_entropy",
    "NLLLoss": "nll_loss",
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "MSELoss": "mse_loss",
    "L1Loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "HuberLoss": "huber_loss",
    "KLDivLoss": "kl_div",
    "GaussianNLLLoss": "gaussian_nll_loss",
    "CTCLoss": "ctc_loss",
    "CosineEmbeddingLoss": "cosine_embedding_loss",
    "TripletMarginLoss": "triplet_margin_loss",
    "MultiMarginLoss": "multi_margin_loss",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "LogSigmoid": "logsigmoid",
    "Softplus": "softplus",
    "Tanh": "tanh",
    "ReLU": "relu",
    "GELU": "gelu",
    "LeakyReLU": "leaky_relu",
    "Flatten": "flatten",
    "Dropout": "dropout",
}
"""class of torch.nn → the function that calling its instances is."""
LOSSES = frozenset(name for name, op in zip(MODULE_OPS, MODULE_OPS.values(), strict=True) if name.endswith("Loss"))
LOSS_OPS = frozenset(MODULE_OPS[name] for name in LOSSES)
OP_MODULES: dict[str, str] = {op: name for name, op in MODULE_OPS.items()}
LINEAR = frozenset({"Linear", "LazyLinear", "Bilinear", "Conv1d", "Conv2d", "Conv3d", "Embedding"})
"""modules with a last layer of which the output is unbounded: logits, if a classifier."""
