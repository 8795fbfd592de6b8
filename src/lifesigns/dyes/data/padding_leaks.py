"""Rule Y604: what stands in the padding changes what the network puts out for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifesigns.dyes.base import DyeRule, count, dye_case, known, rows, spot
from lifesigns.dyes.data.recalls import place_of, recalled
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class PaddingLeaks(DyeRule):
    """What stands in the padding of a sequence changes the outputs for its real tokens.

    What it detects
    ---------------
    The network was called again with the embeddings of padding moved. Outputs at places that are not padding, or the
    pooled output of rows that are padded, changed. Or the loss counts places of padding, whose target is padding.

    Why it matters
    --------------
    The same sequence then gives another answer in a batch with a longer one; training and use differ, and short
    sequences are learned as something else.

    How it decides
    --------------
    Padding is what a mask or lengths given to the network leave out, else a token that begins or ends rows of
    different lengths and stands nowhere else. In evaluation mode, with the same input twice first: any place outside
    the padding whose output differs in any bit has seen it. For an output without places, rows with padding (a warning:
    a network may use a token of that kind on purpose). Sequences of numbers are given more padding instead. Targets are
    read off the gradient at the output; a note where neither a mask nor an embedding's `padding_idx` says that the
    token is padding.

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
        facts = self.facts(view)
        counted = list(self._counted(view, facts))
        yield from counted
        try:
            entries = recalled(facts, "padding", "other_positions", why="no network is given padded sequences")
        except CannotTell:
            if counted:
                return
            raise
        judged = [one for one in entries if count(one, "padding") > 0]
        if not judged:
            raise CannotTell("no network is given padded sequences")
        for one in judged:
            others, padding = count(one, "other_positions"), count(one, "padding")
            if others > 0:
                pooled = bool(one.get("pooled"))
                what = "rows with padding" if pooled else "places that are not padding"
                message = (
                    f"other values at {padding} places of padding, or more of it, moved the output of "
                    f"`{one.get('network', '')}` at {others} {what}"
                )
                severity = "warning" if pooled else "error"
                yield self.found(
                    view, message, severity, others, series="dye.other_positions", unit="places", location=place_of(one)
                )

    def _counted(self, view: View, facts: Mapping[str, Any]) -> Iterable[Finding]:
        for one in rows(facts, "recalls"):
            padding, counted = known(one, "padding_counted"), known(one, "places_counted")
            if padding and counted:
                message = (
                    f"{padding:.0f} of {counted:.0f} places of `{one.get('network', '')}` that the loss counts are "
                    "padding, with padding as their target"
                )
                severity = "warning" if one.get("padding_said") else "note"
                where = spot(one.get("loss_at"))
                yield self.found(
                    view, message, severity, padding / counted, 0.0, series="dye.padding_counted", location=where
                )

    def fires_on(self) -> Iterable[Case]:
        """No mask in attention, and a pooled output."""
        one = {"network": "Encoder#0", "rows": 16, "shape": [16, 32], "other_rows": 0, "padding": 120}
        yield dye_case("no mask", self.dye, {"recalls": [{**one, "other_positions": 300}]})
        yield dye_case("pooled", self.dye, {"recalls": [{**one, "other_positions": 11, "pooled": True}]})
        loss = {"places_counted": 512, "padding_counted": 120, "padding_said": True}
        yield dye_case("in the loss", self.dye, {"recalls": [{**one, **loss, "other_positions": 0}]})

    def quiet_on(self) -> Iterable[Case]:
        """Masked, pooled by true lengths, and a network without padding beside one with."""
        one = {"network": "Encoder#0", "rows": 16, "shape": [16, 32], "padding": 120, "other_positions": 0}
        yield dye_case("masked", self.dye, {"recalls": [one]})
        yield dye_case("pooled", self.dye, {"recalls": [{**one, "pooled": True}]})
        loss = {"places_counted": 392, "padding_counted": 0, "padding_said": True}
        yield dye_case("left out of the loss", self.dye, {"recalls": [{**one, **loss}]})
        beside = {"network": "Head#1", "rows": 16, "shape": [16, 8], "other_rows": 0}
        yield dye_case("another beside it", self.dye, {"recalls": [beside, one]})
