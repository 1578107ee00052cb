"""The words of a Thai question are found in a dictionary, and words that say nothing about the topic are left out."""

from __future__ import annotations

from afterturn.languages import segmentation, thai


def test_words_are_found_without_stop_words():
    assert thai.find_words("แมวของฉันชื่ออะไร") == ["แมว", "ชื่อ"]


def test_of_several_divisions_that_with_the_fewest_words_is_taken():
    assert thai.find_words("โรงพยาบาลอยู่ที่ไหน") == ["โรงพยาบาล"]


def test_a_name_that_no_dictionary_has_is_one_word():
    assert "มะปริง" in thai.find_words("มะปริง")


def test_a_question_of_stop_words_keeps_them():
    assert thai.find_words("ทำไม") == ["ทำไม"]


def test_short_words_are_pieces_of_a_text():
    pieces = segmentation.short_words("ซื้อรถสีแดง")
    assert {"รถ", "สี"} <= set(pieces)
