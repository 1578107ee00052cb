"""Which signals stop `afterturn up` and `afterturn demo`."""

import signal

import pytest

from api_shim.cli import up
from api_shim.cli.demo import environment


@pytest.fixture
def dispositions():
    """Restore what this process does on the signals that a test touches."""
    before = {number: signal.getsignal(number) for number in up.STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("stopping", [up._signals_stop, environment.signals_interrupt])
def test_under_nohup_the_end_of_the_terminal_stops_nothing(dispositions, stopping):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stopping():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


@pytest.mark.parametrize("stopping", [up._signals_stop, environment.signals_interrupt])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_end_of_the_terminal_and_sigterm_are_as_ctrl_c(dispositions, stopping, number):
    signal.signal(number, signal.SIG_DFL)
    with pytest.raises(KeyboardInterrupt), stopping():
        signal.raise_signal(number)
    assert signal.getsignal(number) is signal.SIG_DFL


def test_tests_are_interrupted_by_ctrl_c_whatever_started_them():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
