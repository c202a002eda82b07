"""``brownout status --watch`` shows the status again and again, and ends with Ctrl-C."""

import pytest

from bot.cli import status


def watched(times):
    """What --watch did until Ctrl-C came after so many prints, and its exit code."""
    done = []

    def wait(seconds):
        done.append(seconds)
        if done.count(seconds) == times:
            raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        status.watch_output(lambda: done.append("shown"), lambda: done.append("cleared"), wait)
    return done, ended.value.code


def test_it_is_shown_again_after_some_seconds_on_an_empty_screen():
    assert watched(2)[0] == ["cleared", "shown", status.WATCH_S] * 2


def test_ctrl_c_ends_it_without_a_traceback():
    assert watched(1)[1] == 130
