"""What is captured of torch programs, against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow
Record = Callable[..., Any]


def line_of(scripts: Any, text: str) -> int:
    """1-based line of the script that contains `text`."""
    lines = (scripts.path / "train.py").read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


def named(ran: Any, kind: str) -> dict[str, Any]:
    """Subjects of a kind by name."""
    return {s.name: s for s in ran.trace.of_kind(kind)}


def test_norms_by_hand(record: Record, scripts: Any) -> None:
    """loss = w·x with SGD: gradient x, update lr·x, whatever the step."""
    ran = record("""
        import torch
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.body = torch.nn.Linear(2, 1)
                self.spare = torch.nn.Linear(1, 1, bias=False)
            def forward(self, x):
                return self.body(x)
        net = Net()
        with torch.no_grad():
            net.body.weight.copy_(torch.tensor([[3.0, 4.0]]))
            net.body.bias.fill_(2.0)
            net.spare.weight.fill_(7.0)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            loss = net(torch.tensor([[6.0, 8.0]])).sum()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1000.0)
            optimizer.step()
            schedule.step()
    """)
    names = ("body.weight", "body.bias", "spare.weight")
    expected = {
        "optimizer.parameter_norm": [[5.0, 2.0, 7.0], [0.0, 1.5, 7.0]],
        "optimizer.gradient_norm": [[10.0, 1.0, 0.0], [10.0, 1.0, 0.0]],
        "optimizer.update_norm": [[5.0, 0.5, 0.0], [0.5, 0.05, 0.0]],
        "optimizer.gradient_present": [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]],
    }
    for name, rows in expected.items():
        series = ran.one(name)
        assert series.columns == names
        np.testing.assert_allclose(series.y, rows, rtol=1e-6, atol=1e-6, err_msg=name)
        assert series.x.tolist() == [1, 2]
    np.testing.assert_allclose(ran.one("optimizer.learning_rate").y, [0.5, 0.05])
    np.testing.assert_allclose(ran.one("loss.value").y, [52.0, 1.5], rtol=1e-6)
    np.testing.assert_allclose(ran.one("gradient.total_norm").y, [101**0.5] * 2, rtol=1e-6)
    optimizer, network, loss = (named(ran, k) for k in ("optimizer", "network", "loss"))
    assert list(optimizer) == ["optimizer"]
    assert list(network) == ["net"]
    assert list(loss) == ["loss"]
    assert network["net"].info == {"class": "Net", "parameters": 4, "tensors": 3}
    for subject, text in (
        (optimizer["optimizer"], "torch.optim.SGD"),
        (network["net"], "net = Net()"),
        (loss["loss"], "loss.backward()"),
    ):
        assert subject.location.file == "train.py"
        assert subject.location.line == line_of(scripts, text)
        assert text in subject.location.text


def test_order_of_calls(record: Record) -> None:
    """Cleared or not, one backward or several: each of five habits, told apart."""
    ran = record("""
        import torch
        def net():
            return torch.nn.Linear(2, 1)
        x = torch.ones(3, 2)
        def loss_of(model): return model(x).square().mean()

        usual_net = net()
        usual = torch.optim.Adam(usual_net.parameters())
        for _ in range(6):
            usual.zero_grad()
            loss_of(usual_net).backward()
            usual.step()

        never_net = net()
        never = torch.optim.Adam(never_net.parameters())
        for _ in range(6):
            loss_of(never_net).backward()
            never.step()

        four_net = net()
        four = torch.optim.Adam(four_net.parameters())
        for i in range(24):
            loss_of(four_net).backward()
            if i % 4 == 3:
                four.step()
                four.zero_grad()

        closure_net = net()
        closure = torch.optim.LBFGS(closure_net.parameters(), max_iter=3)
        def evaluate():
            closure.zero_grad()
            loss = loss_of(closure_net)
            loss.backward()
            return loss
        for _ in range(4):
            closure.step(evaluate)

        module_net, other_net = net(), net()
        SGD = torch.optim.SGD
        module, other = SGD(module_net.parameters(), lr=0.1), SGD(other_net.parameters(), lr=0.1)
        for _ in range(6):
            module_net.zero_grad()
            (loss_of(module_net) + loss_of(other_net)).backward()
            module.step()
            other.step()
    """)
    subjects = {name: s.id for name, s in named(ran, "optimizer").items()}
    assert set(subjects) == {"usual", "never", "four", "closure", "module", "other"}

    def mean(series: str, name: str) -> float:
        return float(ran.one(f"optimizer.{series}_per_step", subjects[name]).y.mean())

    assert {n: mean("zero_grads", n) for n in subjects} == {
        "usual": 1,
        "never": 0,
        "four": 1,
        "closure": 1,
        "module": 1,
        "other": 0,
    }
    assert {n: mean("backwards", n) for n in subjects if n != "closure"} == {
        "usual": 1,
        "never": 1,
        "four": 4,
        "module": 1,
        "other": 1,
    }
    assert mean("backwards", "closure") > 1
    assert ran.trace.health["backwards"] == sum(len(s) for s in ran.trace.named("loss.value"))


def test_parameters_that_no_optimiser_holds(record: Record) -> None:
    ran = record("""
        import torch
        torch.manual_seed(0)
        class Agent(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.actor, self.critic = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
        agent = Agent()
        frozen = torch.nn.Linear(2, 2).requires_grad_(False)
        optimizer = torch.optim.Adam(agent.actor.parameters())
        for _ in range(8):
            optimizer.zero_grad()
            (agent.actor(torch.ones(1, 2)) + agent.critic(torch.ones(1, 2))).sum().backward()
            optimizer.step()
    """)
    loose = ran.one("network.unowned_gradient_norm", named(ran, "network")["agent"].id)
    assert loose.columns == ("critic.weight", "critic.bias")
    assert loose.y[0].tolist() == pytest.approx([2**0.5, 1.0])
    assert ran.one("optimizer.update_norm").columns == ("actor.weight", "actor.bias")


def test_deep_copies_are_networks_with_the_line_that_made_them(record: Record) -> None:
    ran = record("""
        import copy, pickle, torch
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.head, self.memory = torch.nn.Linear(2, 1), torch.nn.LSTM(2, 2)
        online = Net()
        target = copy.deepcopy(online)
        shallow = copy.copy(online)
        saved = pickle.loads(pickle.dumps(online))
        kept = copy.deepcopy([online])
        optimizer = torch.optim.SGD(online.parameters(), lr=0.05)
        for t in range(8):
            optimizer.zero_grad()
            online.head(torch.randn(8, 2)).square().mean().backward()
            optimizer.step()
    """)
    networks = ran.trace.of_kind("network")
    assert sorted(n.name for n in networks) == ["online", "target"]
    [target] = [n for n in networks if n.name == "target"]
    assert target.location is not None
    assert "copy.deepcopy(online)" in target.location.text


def test_a_copy_inside_of_wrappers_inside_of_one_module(record: Record) -> None:
    """As Tianshou builds its algorithms; a frozen layer of zeros is no copy of a trained one."""
    ran = record("""
        import copy, torch
        class Policy(torch.nn.Module):
            def __init__(self, model):
                super().__init__()
                self.model = model
        class Frozen(torch.nn.Module):
            def __init__(self, module):
                super().__init__()
                self.module = module
        class Algorithm(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.policy = Policy(torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Linear(4, 1)))
                self.old = Frozen(copy.deepcopy(self.policy.model))
                self.zeros, self.trained = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
                for layer in (self.zeros, self.trained):
                    torch.nn.init.zeros_(layer.weight)
                    torch.nn.init.zeros_(layer.bias)
        algorithm = Algorithm()
        trained = [*algorithm.policy.parameters(), *algorithm.trained.parameters()]
        optimizer = torch.optim.SGD(trained, lr=0.05)
        for t in range(16):
            optimizer.zero_grad()
            algorithm.policy.model(torch.randn(8, 2)).square().mean().backward()
            optimizer.step()
            algorithm.old.module.load_state_dict(algorithm.policy.model.state_dict())
    """)
    [pair] = ran.trace.of_kind("target")
    assert (pair.name, pair.info["online_name"]) == ("algorithm.old.module", "algorithm.policy.model")
    assert (ran.one("target.change", pair.id).y > 0).any()


def test_target_networks(record: Record) -> None:
    ran = record("""
        import copy, torch
        torch.manual_seed(0)
        def make(): return torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
        online = make()
        hard = copy.deepcopy(online)
        polyak = make()
        polyak.load_state_dict(online.state_dict())
        stale = make()
        stale.load_state_dict(online.state_dict())
        stranger = make()
        optimizer = torch.optim.SGD(online.parameters(), lr=0.05)
        for t in range(64):
            optimizer.zero_grad()
            loss = online(torch.randn(8, 2)).square().mean()
            loss.backward()
            optimizer.step()
            if t % 16 == 15:
                hard.load_state_dict(online.state_dict())
            with torch.no_grad():
                for p, q in zip(polyak.parameters(), online.parameters()):
                    p.mul_(0.9).add_(0.1 * q)
    """)
    pairs = {s.name: s for s in ran.trace.of_kind("target")}
    assert set(pairs) == {"hard", "polyak", "stale"}, "a network that never equalled the online one is no copy of it"
    assert {p.info["online_name"] for p in pairs.values()} == {"online"}
    change = {name: ran.one("target.change", p.id).y for name, p in pairs.items()}
    distance = {name: ran.one("target.distance", p.id).y for name, p in pairs.items()}
    assert (change["stale"] == 0).all()
    assert (change["polyak"] > 0).all()
    assert 0 < (change["hard"] > 0).mean() < 0.5
    assert distance["stale"][-1] > distance["polyak"][-1] > 0
    assert (ran.one("target.online_change", pairs["hard"].id).y > 0).all()


def test_layers_inputs_and_policies(record: Record) -> None:
    ran = record("""
        import torch
        from torch import nn
        torch.manual_seed(0)
        class Policy(nn.Module):
            def __init__(self):
                super().__init__()
                layers = nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 3)
                self.layers = nn.Sequential(*layers)
                self.log_std = nn.Parameter(torch.zeros(2))
            def forward(self, x): return self.layers(x)
        policy = Policy()
        with torch.no_grad():
            policy.layers[0].bias.fill_(-1000.0)
            policy.layers[2].bias.fill_(50.0)
        optimizer = torch.optim.SGD(policy.parameters(), lr=0.0)
        batch = torch.tensor([[0.0, 10.0], [2.0, 30.0]])
        for _ in range(4):
            uniform = torch.distributions.Categorical(logits=torch.zeros(5, 3))
            gauss = torch.distributions.Normal(torch.zeros(5, 2), torch.tensor([0.5, 2.0]).expand(5, 2))
            optimizer.zero_grad()
            (policy(batch).sum() + policy.log_std.sum()).backward()
            optimizer.step()
    """)
    zero, saturated = ran.one("layer.zero_share"), ran.one("layer.saturated_share")
    at = {name: i for i, name in enumerate(zero.columns)}
    assert (zero.y[:, at["layers.1"]] == 1.0).all(), "a ReLU whose inputs are all negative is dead"
    assert (saturated.y[:, at["layers.3"]] == 1.0).all()
    assert np.isnan(saturated.y[:, at["layers.1"]]).all()
    assert ran.one("network.input_mean").y[0].tolist() == [1.0, 20.0]
    assert ran.one("network.input_std").y[0].tolist() == [1.0, 10.0]
    assert ran.one("network.input_max_abs").y[0].tolist() == [2.0, 30.0]
    np.testing.assert_allclose(ran.one("policy.entropy").y, np.log(3))
    np.testing.assert_allclose(ran.one("policy.relative_entropy").y, 1.0)
    np.testing.assert_allclose(ran.one("policy.std").y, [[0.5, 2.0]] * 4)
    assert set(named(ran, "policy")) == {"uniform", "gauss"}


def test_several_networks_losses_and_seeds(record: Record, scripts: Any) -> None:
    scripts.write(
        """
        import torch
        def build(width):
            return torch.nn.Sequential(torch.nn.Linear(width, 1))
    """,
        "parts/__init__.py",
    )
    ran = record("""
        import random, os
        import numpy as np
        import torch
        from parts import build
        random.seed(11)
        np.random.seed(12)
        torch.manual_seed(13)
        rng = np.random.default_rng(14)
        class Agent:
            def __init__(self):
                self.actor = build(2)
                self.q1, self.q2 = build(2), build(2)
                self.actor_optimizer = torch.optim.Adam(self.actor.parameters())
                self.q_optimizer = torch.optim.AdamW([*self.q1.parameters(), *self.q2.parameters()])
            def update(self, x):
                q_loss = (self.q1(x) - self.q2(x)).square().mean()
                self.q_optimizer.zero_grad()
                q_loss.backward()
                self.q_optimizer.step()
                self.actor_optimizer.zero_grad()
                actor_loss = self.actor(x).mean()
                actor_loss.backward()
                self.actor_optimizer.step()
        agent = Agent()
        for _ in range(5):
            agent.update(torch.rand(4, 2))
            random.random(), np.random.rand()
    """)
    assert set(named(ran, "network")) == {"actor", "q1", "q2"}
    assert set(named(ran, "loss")) == {"q_loss", "actor_loss"}
    optimizers = named(ran, "optimizer")
    assert set(optimizers) == {"actor_optimizer", "q_optimizer"}
    columns = ran.one("optimizer.update_norm", optimizers["q_optimizer"].id).columns
    assert set(columns) == {f"{q}.0.{p}" for q in ("q1", "q2") for p in ("weight", "bias")}
    seeds = {e.data["what"]: e for e in ran.trace.events if e.kind == "seed"}
    assert {k: e.data["seed"] for k, e in seeds.items()} == {
        "random.seed": 11,
        "numpy.random.seed": 12,
        "torch.manual_seed": 13,
        "numpy.random.default_rng": 14,
    }
    assert seeds["torch.manual_seed"].location.line == line_of(scripts, "torch.manual_seed(13)")
    assert ran.trace.health["updates"] == 10


def test_a_loss_that_stops_being_finite(record: Record) -> None:
    ran = record("""
        import torch
        model = torch.nn.Linear(1, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for t in range(6):
            optimizer.zero_grad()
            loss = model(torch.ones(1, 1)).sum() * (float("nan") if t == 4 else 1.0)
            loss.backward()
            optimizer.step()
    """)
    assert np.isfinite(ran.one("loss.value").y).tolist() == [True] * 4 + [False] * 2
    (event,) = (e for e in ran.trace.events if e.kind == "nonfinite")
    assert [c["update"] for c in event.data["context"]] == [0, 1, 2, 3]
    assert np.isnan(ran.one("optimizer.update_norm").y[-1]).all()


def test_loggers(record: Record, scripts: Any) -> None:
    ran = record("""
        import torch
        from torch.utils.tensorboard import SummaryWriter
        from stable_baselines3.common.logger import configure
        writer = SummaryWriter("tb")
        logger = configure("sb3", ["csv"])
        for t in range(4):
            writer.add_scalar("charts/episodic_return", torch.tensor(t * 1.5), global_step=t * 10)
            writer.add_scalars("losses", {"value": t, "policy": float("nan")}, t)
            writer.add_text("note", "not a number")
            logger.record("train/value_loss", t * 2.0)
            logger.record("train/text", "words", exclude="csv")
            logger.dump(t)
        writer.close()
        logger.close()
    """)
    series = {s.name: s for s in ran.trace.series if s.name.startswith("log.")}
    assert set(series) == {
        "log.charts/episodic_return",
        "log.losses/value",
        "log.losses/policy",
        "log.train/value_loss",
    }
    assert series["log.charts/episodic_return"].x.tolist() == [0, 10, 20, 30]
    assert series["log.charts/episodic_return"].y.tolist() == [0.0, 1.5, 3.0, 4.5]
    assert np.isnan(series["log.losses/policy"].y).all()
    assert series["log.train/value_loss"].y.tolist() == [0.0, 2.0, 4.0, 6.0]


def test_wandb(record: Record) -> None:
    pytest.importorskip("wandb")
    ran = record("""
        import wandb
        run = wandb.init(project="x", mode="disabled", dir=".")
        for t in range(3):
            wandb.log({"return": t * 1.0, "losses": {"value": 0.5}})
        run.log({"late": 9.0}, step=7)
        wandb.finish()
    """)
    assert ran.one("log.return").y.tolist() == [0.0, 1.0, 2.0]
    assert ran.one("log.losses.value").y.tolist() == [0.5] * 3
    assert ran.one("log.late").x.tolist() == [7.0]


def test_steps_between_two_windows_are_counted_and_no_more(scripts: Any) -> None:
    """As users have it, without dense sampling: figures per step are those of the steps that were looked at."""
    scripts.write("""
        import torch
        model = torch.nn.Linear(2, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        for t in range(4000):
            optimizer.zero_grad()
            for half in range(2):
                model(torch.ones(4, 2)).pow(2).mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        import sys
        recorder = sys.modules["_lifesigns.record.recorder"]._recorder
        optimizers = sys.modules["_lifesigns.record.targets.torch_optimizers"].optimizers
        print(recorder.update, [w.steps for w in optimizers.watched.values()], optimizers._windows > 0)
    """)
    ran = scripts.recorded("train.py", LIFESIGNS_DENSE="0")
    assert ran.out == "4000 [4000] True\n"
    assert ran.one("run.updates").y[-1] == 4000
    assert set(ran.one("optimizer.backwards_per_step").y) == {2.0}
    assert set(ran.one("optimizer.zero_grads_per_step").y) == {1.0}
    norms = ran.one("optimizer.parameter_norm")
    assert norms.x[-1] > 200, "samples go on after the first window"


def test_a_full_disk_ends_only_the_recording(scripts: Any) -> None:
    scripts.write("""
        import os, sys, time, torch
        real = os.write
        def full(fd, data):
            if fd > 2:
                raise OSError(28, "No space left on device")
            return real(fd, data)
        model = torch.nn.Linear(1, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for t in range(40):
            if t == 20:
                os.write = full
            optimizer.zero_grad()
            model(torch.ones(1, 1)).sum().backward()
            optimizer.step()
            time.sleep(0.1)
        print("done", model.weight.item() != 0)
    """)
    ran = scripts.recorded("train.py")
    assert (ran.returncode, ran.out) == (0, "done True\n")
    assert ran.err.count("the run goes on") == 1
    assert "No space left on device" in ran.err
    assert 5 < len(ran.one("loss.value")) < 40


def test_what_lies_on_a_device_is_measured_there_and_alike() -> None:
    """The statistics for accelerators, on this machine's only device, against those for the CPU."""
    import torch

    from lifesigns.record.targets import layer_outputs

    values = torch.tanh(3 * torch.randn(64, 8, generator=torch.Generator().manual_seed(0)))
    here = layer_outputs.output_stats(torch.nn.Tanh(), values)
    there = layer_outputs._device_output_stats("Tanh", values.reshape(-1))
    assert [float(x) for x in there] == pytest.approx(list(here[:4]), rel=1e-6)


def test_rows_of_a_layer_are_compared() -> None:
    """One unit that varies, one that is constant, two that are always 0."""
    import torch

    from lifesigns.record.targets import layer_outputs

    output = torch.zeros(16, 4)
    output[:, 0] = torch.arange(16.0)
    output[:, 1] = 2.0
    spread, dormant = layer_outputs._of_rows(output)
    assert spread == pytest.approx(float(output[:, 0].std(unbiased=False)) / 4)
    assert dormant == 0.5
    assert np.isnan(layer_outputs._of_rows(output[:4])).all()
