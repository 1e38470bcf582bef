"""Worker, dialer and Asterisk are killed again and again: ``./run bench --telephony --storm``, but a small one."""

import subprocess
import sys

import pytest

from tests.telephony.conftest import suite_or_skip
from tests.telephony.lines import ROOT


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_whatever_is_killed_nobody_is_rung_twice_and_books_agree_with_telephones() -> None:
    suite_or_skip()
    command = [sys.executable, "tests/bench/telephony.py", "300", "30", "--storm", "--kills", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=380)
    assert done.returncode == 0, done.stderr[-3000:]
    print(done.stdout)
