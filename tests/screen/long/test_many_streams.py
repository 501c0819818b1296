# SPDX-License-Identifier: Apache-2.0
"""The proof of tests/screen on many more random streams than a run of every change has time for."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from proof import prove  # noqa: E402

STREAMS = 1000


@pytest.mark.parametrize("first", range(100000, 110000, STREAMS))
def test_random_streams_from(first):
    prove("random", first, STREAMS, 3, minutes=15)
