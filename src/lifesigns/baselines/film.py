"""Short animations of a planner's best trajectory and of random actions, where the environment can draw itself."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from lifesigns.baselines.environment import EnvironmentProblem, open_world
from lifesigns.baselines.planning import Played
from lifesigns.baselines.problem import EVALUATION_SEED, Problem, Slice

FRAMES, WIDTH, PAUSE_MS = 90, 200, 50
"""Most frames, their width in pixels, and how long each is shown."""
COLOURS = 64


def film(problem: Problem, played: Played | None, request: dict[str, Any], limit: Slice) -> tuple[str, str]:
    """A GIF as base64 and why there is none; `played` is repeated from its seed, None stands for random actions."""
    try:
        from PIL import Image
    except ImportError:
        return "", "Pillow is not installed here"
    try:
        world = open_world(request["env"], request.get("kwargs", {}), request.get("path", []), render=True)
    except EnvironmentProblem as error:
        return "", str(error)
    if getattr(world.env, "render_mode", None) != "rgb_array":
        return "", "the environment has no render mode `rgb_array`"
    steps = len(played.actions) if played else 300
    every = max(steps // FRAMES, 1)
    frames: list[Any] = []
    rng = np.random.default_rng(0)
    try:
        world.reset(seed=EVALUATION_SEED)
        for step in range(steps):
            if step % every == 0:
                picture = Image.fromarray(np.asarray(world.env.render()))
                height = max(round(picture.height * WIDTH / picture.width), 1)
                small = picture.resize((WIDTH, height)).convert("RGB")
                frames.append(small.quantize(COLOURS, dither=Image.Dither.NONE))
            action = played.actions[step] if played else problem.actions.random(rng)
            _, _, terminated, truncated = world.step(problem.actions.decode(action))
            if terminated or truncated or limit.over:
                break
    except Exception as error:
        return "", f"drawing failed: {type(error).__name__}: {str(error)[:120]}"
    finally:
        world.env.close()
    if not frames:
        return "", "nothing was drawn"
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=PAUSE_MS, loop=0, optimize=True)
    return base64.b64encode(out.getvalue()).decode("ascii"), ""
