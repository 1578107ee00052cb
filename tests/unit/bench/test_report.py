"""What a bench prints."""

import json
from argparse import Namespace

import pytest

from bench import report
from bench.report import Line

LINES = (
    Line(name="ratio", meaning="write over RPUSH", aim=1.5),
    Line(name="rate", meaning="turns per second", aim=500, is_floor=True),
    Line(name="plain", meaning="nothing is aimed at"),
)


def measure(arguments):
    return {"rate": 512.5, "bytes": {"facts": 3}}


def test_the_json_is_one_object_on_one_line():
    printed = report.as_json({"rate": 512.5, "lost": 0, "server": "7.2", "unknown": None})
    assert "\n" not in printed
    assert json.loads(printed) == {"rate": 512.5, "lost": 0, "server": "7.2", "unknown": None}


def test_a_verdict_says_the_aim_and_whether_it_is_reached():
    ratio, rate, plain = LINES
    assert ratio.verdict(1.5) == "<= 1.5 yes"
    assert ratio.verdict(1.51) == "<= 1.5 NO"
    assert rate.verdict(500) == ">= 500 yes"
    assert rate.verdict(499.9) == ">= 500 NO"
    assert plain.verdict(3) == ""
    assert ratio.verdict(None) == ""


def test_the_table_explains_each_figure_and_keeps_those_it_does_not_know(capsys):
    report.show("A bench", LINES, {"ratio": 1.25, "rate": 12_345.6, "plain": None, "extra": 7})
    printed = capsys.readouterr().out
    for text in ("A bench", "write over RPUSH", "<= 1.5 yes", "12,346", "1.250", "extra", "7"):
        assert text in printed


def test_a_run_prints_json_as_measured(capsys):
    figures = report.run("A bench", LINES, measure, Namespace(json=True))
    assert figures == measure(Namespace())
    assert json.loads(capsys.readouterr().out) == figures


def test_a_run_prints_a_table_without_the_lines_that_have_no_figure(capsys):
    report.run("A bench", LINES, measure, Namespace(json=False))
    printed = capsys.readouterr().out
    assert "turns per second" in printed and "bytes_facts" in printed
    assert "write over RPUSH" not in printed


def test_a_run_that_is_interrupted_ends_without_a_traceback(capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit, match="stopped"):
        report.run("A bench", LINES, interrupted, Namespace(json=False))
    assert capsys.readouterr().out == ""
