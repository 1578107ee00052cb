"""The pieces of scripts without spaces between words, and digits of all scripts."""

import pytest

from afterturn.languages import segmentation


@pytest.mark.parametrize(
    ("text", "words", "pieces"),
    [
        ("My dog is nine.", "My dog is nine.", []),
        ("我家小狗 is 9", "is 9", ["我家", "家小", "小狗"]),
        ("母の誕生日", "", ["母", "の", "誕生", "生日"]),
        ("コーヒー", "", ["コー", "ーヒ", "ヒー"]),
        ("우리 강아지", "", ["우리", "강아", "아지"]),
        ("หมา", "", ["หมา"]),
        ("Straße", "Straße", []),
        ("кошка", "кошка", []),
    ],
)
def test_runs_without_spaces_become_overlapping_pieces_and_other_words_stay(text, words, pieces):
    left, found = segmentation.split(segmentation.normalize(text))
    assert (left.strip(), found) == (words, pieces)


@pytest.mark.parametrize("digits", ["2025", "２０２５", "٢٠٢٥", "२०२५", "๒๐๒๕"])
def test_digits_of_every_script_are_the_same_digits(digits):
    assert segmentation.normalize(digits) == "2025"


def test_a_vowel_sign_stays_with_its_letter():
    assert segmentation.split("ที่บ้านชื่อ")[1][0] == "ที่บ้า"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("你好吗", "zh"),
        ("私の犬です", "ja"),
        ("강아지", "ko"),
        ("หมา", "th"),
        ("Hello 世界, how are you?", None),
        ("Привет", None),
        ("", None),
    ],
)
def test_a_script_without_spaces_shows_the_language(text, language):
    assert segmentation.language_of(text) == language
