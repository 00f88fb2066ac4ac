"""The attack battery with every profile granted: only what a profile is for succeeds more often."""

from __future__ import annotations

import sys

import pytest
from battery import ours
from battery.catalogue import ATTACKS, BY_NAME
from battery.findings import KNOWN
from test_attacks import available

from pytrace_mono.tracer.sandbox.setting import PROFILES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the attacks are for Linux")

GRANTED = {"thread", "thread-bomb", "socket-pair"}
"""What a profile is for: threads (the bomb stops at 30, the sandbox at 64), connected sockets."""


def succeed(names: set[str], level: str) -> dict[str, list[ours.Sign]]:
    if not available(level):
        pytest.skip(f"this machine does not offer the level {level!r}")
    chosen = [BY_NAME[name] for name in sorted(names - KNOWN.keys() - GRANTED)]
    seen = ours.attempt_all(chosen, level, PROFILES)
    return {name: signs for name, signs in seen.items() if signs}


def test_attacks_that_a_profile_might_help_still_fail() -> None:
    near = ("thread", "fork", "socket", "write", "rename", "link", "chmod", "disk", "truncate")
    names = {attack.name for attack in ATTACKS if any(word in attack.name for word in near)}
    assert len(names) > 15
    level = "isolated" if available("isolated") else "confined"
    assert succeed(names, level) == {}


@pytest.mark.slow
@pytest.mark.parametrize("level", ["confined", "isolated", "bwrap", "runsc"])
def test_the_whole_battery_still_fails(level: str) -> None:
    assert succeed(set(BY_NAME), level) == {}
