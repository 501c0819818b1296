# SPDX-License-Identifier: Apache-2.0
"""Ten shells that print and take keys, while what serves them is killed and replaced: no shell, no byte and no key is lost or
doubled, and each client is back by itself. A hundred of them, for longer: tests/faults/test_nothing_lost.py."""

from harness.uproar import Uproar


def test_kills_and_an_upgrade_under_ten_shells(place, record_property):
    uproar = Uproar(place, users=2, terminals_each=5)
    uproar.kill("auth", "web")
    uproar.kill("broker")
    uproar.restart_all()
    uproar.upgrade()
    uproar.new_terminals()
    uproar.end(record_property)
