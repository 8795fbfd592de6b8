"""Rule Y604: what stands in the padding changes what the network puts out for the rest."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case
from lifesigns.dyes.data.recalls import place_of, recalled
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class PaddingLeaks(DyeRule):
    """What stands in the padding of a sequence changes the outputs for its real tokens.

    What it detects
    ---------------
    The network was called again with the embeddings of padding moved. Outputs at places that are not padding, or the
    pooled output of rows that are padded, changed.

    Why it matters
    --------------
    The same sequence then gives another answer in a batch with a longer one; training and use differ, and short
    sequences are learned as something else.

    How it decides
    --------------
    Padding is a token that ends rows of different lengths. In evaluation mode, with the same input twice first: any
    place outside the padding whose output differs in any bit has seen it. For an output without places, rows with
    padding (a warning: a network may use a token of that kind on purpose).

    When it is wrong
    ----------------
    A repeated last token that is no padding (an end-of-text token that is meant to be read); a class token at the end.

    What to do
    ----------
    Pass the mask of padding to attention, pack sequences for recurrent layers, divide a mean by the true lengths, take
    the last state at the true length and not at the last place.

    References
    ----------
    PyTorch, `src_key_padding_mask`, `pack_padded_sequence`.
    """

    code = "Y604"
    since = "0.2"
    dye = "network-rows"
    causes = {"padding-leak": Likelihood(0.97, source="the definition of the cause")}
    false_alarm = Likelihood(0.005, source="end tokens that are meant to be read, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """One finding for each network that sees padding."""
        entries = recalled(self.facts(view), "padding", "other_positions", why="no network is given padded tokens")
        judged = [one for one in entries if count(one, "padding") > 0]
        if not judged:
            raise CannotTell("no network is given padded tokens")
        for one in judged:
            others, padding = count(one, "other_positions"), count(one, "padding")
            if others > 0:
                pooled = bool(one.get("pooled"))
                what = "rows with padding" if pooled else "places that are not padding"
                message = (
                    f"other embeddings at {padding} places of padding moved the output of "
                    f"`{one.get('network', '')}` at {others} {what}"
                )
                severity = "warning" if pooled else "error"
                yield self.found(
                    view, message, severity, others, series="dye.other_positions", unit="places", location=place_of(one)
                )

    def fires_on(self) -> Iterable[Case]:
        """No mask in attention, and a pooled output."""
        one = {"network": "Encoder#0", "rows": 16, "shape": [16, 32], "other_rows": 0, "padding": 120}
        yield dye_case("no mask", self.dye, {"recalls": [{**one, "other_positions": 300}]})
        yield dye_case("pooled", self.dye, {"recalls": [{**one, "other_positions": 11, "pooled": True}]})

    def quiet_on(self) -> Iterable[Case]:
        """Masked, pooled by true lengths, and a network without padding beside one with."""
        one = {"network": "Encoder#0", "rows": 16, "shape": [16, 32], "padding": 120, "other_positions": 0}
        yield dye_case("masked", self.dye, {"recalls": [one]})
        yield dye_case("pooled", self.dye, {"recalls": [{**one, "pooled": True}]})
        beside = {"network": "Head#1", "rows": 16, "shape": [16, 8], "other_rows": 0}
        yield dye_case("another beside it", self.dye, {"recalls": [beside, one]})
