"""Root causes that reading the code tells; where no static rule fired they are part of `unknown`."""

from __future__ import annotations

from lifesigns.diagnose.cause import Cause, Kind


def _read(
    id: str, title: str, remedy: str, next_test: str, prior: float, *, kind: Kind = "bug", only_rl: bool = False
) -> Cause:
    return Cause(id, kind, title, remedy, next_test, prior, only_rl=only_rl, if_looked=True)


READ_CAUSES: tuple[Cause, ...] = (
    _read(
        "loss-does-not-fit",
        "The loss does not fit what it is given",
        "Give each loss what its documentation says: logits or log-probabilities, class indices or floats, one shape.",
        "Compute the loss of a perfect and of a uniform prediction by hand: 0 and ln(classes) for cross-entropy.",
        1.5,
    ),
    _read(
        "optimizer-loop-wrong",
        "The training loop's steps are in the wrong order or place",
        "Per update: zero the gradients, backward, clip, optimiser step, scheduler step.",
        "Print parameter norm and learning rate over the first ten updates: both must do what the settings say.",
        1.5,
    ),
    _read(
        "shapes-broadcast",
        "Shapes broadcast against each other, or the wrong axis is reduced",
        "Bring both sides to one shape before arithmetic and losses; name the axis of each reduction.",
        "Assert equal shapes right before the loss.",
        1.5,
    ),
    _read(
        "graph-kept-alive",
        "Graphs of earlier steps are kept alive",
        "Keep numbers, not tensors: `loss.item()`; detach recurrent states between updates.",
        "Watch the memory over 1000 updates: it must not grow.",
        0.5,
    ),
    _read(
        "action-distribution-wrong",
        "Log-probabilities do not belong to the action that was taken",
        "Sum log-probabilities over action dimensions, score the stored action, correct for tanh and clipping.",
        "Compare log-probabilities with a histogram of 10,000 sampled actions of one state.",
        1.5,
        only_rl=True,
    ),
    _read(
        "advantage-wrong",
        "Advantages or returns are computed wrongly",
        "Check γ, λ, the mask and the index of the recursion, and over which set advantages are normalised.",
        "Give the recursion two episodes of two steps with known rewards and values; compare with a result by hand.",
        1.5,
        only_rl=True,
    ),
    _read(
        "exploration-wrong",
        "Exploration does not follow the schedule that was meant",
        "Anneal per environment step, switch noise off in evaluation, rescale actions to the bounds.",
        "Print ε (or the noise's scale) at ten points of the run.",
        1.0,
        only_rl=True,
    ),
    _read(
        "evaluation-misleads",
        "What is reported is not what was meant to be measured",
        "Evaluate in `eval()` mode without gradients, on data and environments of its own, with frozen normalisers.",
        "Evaluate the same parameters twice: the figures must be the same.",
        1.0,
    ),
    _read(
        "failure-hidden",
        "The code hides failures instead of reporting them",
        "Let exceptions through; replace fallbacks, constants and casts by an error that says what is missing.",
        "Remove the `try` (or the fallback) and run SCRIPT: it must still run.",
        1.0,
    ),
    _read(
        "mode-wrong",
        "Dropout or batch normalisation run in the wrong mode",
        "`model.train()` before each training epoch, `model.eval()` before each evaluation.",
        "Print `model.training` in the training and in the evaluation step.",
        1.0,
    ),
    _read(
        "old-interface",
        "The code is written for another version of the environment's interface",
        "Unpack five values from `step` and two from `reset`, and read the keys that the installed version writes.",
        "Run one episode and print what `step` and `reset` return.",
        1.0,
        only_rl=True,
    ),
)
