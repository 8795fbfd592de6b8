import pytest

from lifesigns.diagnose import WORDS, in_words


@pytest.mark.parametrize(
    ("probability", "word", "span"),
    [
        (0.0, "remote", (1, 15)),
        (0.15, "remote", (1, 15)),
        (0.154, "remote", (1, 15)),
        (0.155, "highly unlikely", (16, 30)),
        (0.31, "unlikely", (31, 45)),
        (0.5, "even chance", (46, 55)),
        (0.56, "likely", (56, 70)),
        (0.71, "highly likely", (71, 85)),
        (0.86, "almost certain", (86, 99)),
        (1.0, "almost certain", (86, 99)),
    ],
)
def test_a_probability_has_its_word(probability: float, word: str, span: tuple[int, int]) -> None:
    assert in_words(probability) == (word, span)


def test_the_ranges_cover_1_to_99_per_cent_without_gap_or_overlap() -> None:
    covered = [p for _, low, high in WORDS for p in range(low, high + 1)]
    assert covered == list(range(1, 100))


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan")])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        in_words(wrong)
