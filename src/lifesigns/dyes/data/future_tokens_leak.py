"""Rule Y603: a token changes what the network predicts for the places before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifesigns.dyes.base import DyeRule, count, dye_case, known, spot
from lifesigns.dyes.data.recalls import place_of, recalled
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View

COPIES, REPEATED, FEWEST_PLACES = 0.95, 0.5, 32
"""share of the targets that are the given token, share of next tokens from which tokens merely repeat, places that must
be counted; assumed."""


class FutureTokensLeak(DyeRule):
    """A network that is trained on next tokens sees them: later tokens change earlier outputs.

    What it detects
    ---------------
    The labels are the tokens one place on. The network was called again with one late token changed, and outputs at
    earlier places moved.

    Why it matters
    --------------
    The answer stands in the question. The loss falls far below what the data allow, and generation, where the future is
    not there, fails.

    How it decides
    --------------
    In evaluation mode, with the same input twice first: the last token but one changed, in all rows. Any earlier place
    whose output differs in any bit has seen it. Networks without next-token labels are not judged. The targets are read
    off the gradient at the output (a cross-entropy's is smallest at the target): where those of a causal network are
    the tokens that it is given at the same places, the labels were not shifted.

    When it is wrong
    ----------------
    Encoders whose labels happen to be the shifted input; models with a prefix that is attended to both ways, where the
    changed token lies in it.

    What to do
    ----------
    Check the causal mask (which side is masked, whether True means keep or drop, whether it is passed at all), pooling
    or normalisation over the places, convolutions padded on both sides, bidirectional recurrence.

    References
    ----------
    Vaswani et al., Attention is all you need (2017), section 3.2.3; PyTorch, `scaled_dot_product_attention`.
    """

    code = "Y603"
    since = "0.2"
    dye = "network-rows"
    causes = {"future-leak": Likelihood(0.97, source="the definition of the cause")}
    false_alarm = Likelihood(0.003, source="labels that happen to be the shifted input, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """One finding for each network that sees later tokens."""
        entries = recalled(self.facts(view), "earlier_positions", why="no network is given tokens [rows, places]")
        copying = [one for one in entries if _copies(one)]
        for one in copying:
            own, counted = count(one, "own_token"), count(one, "places_counted")
            message = (
                f"the target of {own} of {counted} places of `{one.get('network', '')}` is the token that is given "
                "there: its loss asks a causal network to copy its input"
            )
            yield self.found(
                view, message, "error", own / counted, COPIES, series="dye.own_token", location=spot(one.get("made_at"))
            )
        judged = [one for one in entries if one.get("causal_labels")]
        if copying:
            return
        if not judged:
            raise CannotTell("no network is trained on its own next tokens")
        for one in judged:
            earlier = count(one, "earlier_positions")
            if earlier > 0:
                at = count(one, "token_changed", earlier)
                message = (
                    f"the token at place {at} changed moved the output of `{one.get('network', '')}` at {earlier} of "
                    f"{at} places before it; its labels are the next tokens"
                )
                value = earlier / max(at, 1)
                yield self.found(view, message, "error", value, series="dye.earlier_positions", location=place_of(one))

    def fires_on(self) -> Iterable[Case]:
        """No mask, and a mask that is off by one."""
        one = {"network": "GPT#0", "rows": 16, "shape": [16, 32], "other_rows": 0, "causal_labels": True}
        yield dye_case("no mask", self.dye, {"recalls": [{**one, "token_changed": 30, "earlier_positions": 30}]})
        yield dye_case("off by one", self.dye, {"recalls": [{**one, "token_changed": 30, "earlier_positions": 1}]})
        copies = {**one, "causal_labels": False, "token_changed": 30, "earlier_positions": 0}
        yield dye_case(
            "not shifted",
            self.dye,
            {"recalls": [{**copies, "places_counted": 512, "own_token": 512, "next_token": 20}]},
        )

    def quiet_on(self) -> Iterable[Case]:
        """Causal; an encoder without such labels beside a causal one; two rows."""
        one = {"network": "GPT#0", "rows": 16, "shape": [16, 32], "other_rows": 0, "causal_labels": True}
        causal = {**one, "token_changed": 30, "earlier_positions": 0}
        encoder = {**one, "network": "Encoder#1", "causal_labels": False, "earlier_positions": 30}
        yield dye_case("causal", self.dye, {"recalls": [causal]})
        yield dye_case("encoder beside it", self.dye, {"recalls": [causal, encoder]})
        yield dye_case("two rows", self.dye, {"recalls": [{**causal, "rows": 2}]})
        targets = {"places_counted": 512, "own_token": 20, "next_token": 496}
        yield dye_case("shifted", self.dye, {"recalls": [{**causal, **targets}]})
        same = {"places_counted": 512, "own_token": 512, "next_token": 500}
        yield dye_case("one token repeated", self.dye, {"recalls": [{**causal, **same}]})


def _copies(one: Mapping[str, Any]) -> bool:
    """Whether a causal network's targets are its own inputs, which are not the next tokens at the same time."""
    counted, own, following = (known(one, key) for key in ("places_counted", "own_token", "next_token"))
    if not counted or own is None or following is None or known(one, "earlier_positions") != 0.0:
        return False
    return counted >= FEWEST_PLACES and own >= COPIES * counted and following < REPEATED * counted
