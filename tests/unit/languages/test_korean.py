"""Particles and endings of Korean are removed, so that a question and a text have the same word."""

from __future__ import annotations

import pytest

from afterturn.languages import korean, segmentation


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("고양이가", "고양이"),
        ("고양이를", "고양이"),
        ("고양이", "고양이"),
        ("학교에서", "학교"),
        ("친구랑", "친구"),
        ("색이에요", "색"),
        ("나이", "나이"),
        ("지도", "지도"),
    ],
)
def test_a_particle_is_removed_where_it_is_sure(word, stem):
    assert korean.stem(word) == stem


def test_a_text_has_the_word_of_one_syllable_before_its_particle():
    assert "차" in segmentation.short_words("드디어 차를 샀어요.")
    assert "차" not in segmentation.short_words("자동차를 샀어요.")
