# SPDX-License-Identifier: Apache-2.0
"""A hundred shells of twenty people that print and take keys, while all that serves them is killed and replaced, again and again."""

from harness.uproar import Uproar

ROUNDS = 5


def test_kills_and_upgrades_under_a_hundred_shells(place, record_property):
    uproar = Uproar(place, users=20, terminals_each=5, interval=2)
    for _ in range(ROUNDS):
        uproar.kill("auth", "web", "broker")
        uproar.restart_all()
        uproar.upgrade()
    uproar.new_terminals()
    uproar.end(record_property)
