"""The attack battery: every attack fails in the sandbox, and its control shows that it could succeed."""

from __future__ import annotations

import functools
import sys

import pytest
from battery import jail, ours
from battery.attack import Attack, Sign
from battery.catalogue import ATTACKS, BY_NAME, KINDS
from battery.findings import KNOWN
from battery.scene import Scene

from pytrace_mono.errors import IsolationUnavailableError
from pytrace_mono.tracer.sandbox import Sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the attacks are for Linux")


@functools.cache
def available(level: str) -> bool:
    try:
        Sandbox(isolation=level).close()
    except IsolationUnavailableError:
        return False
    return True


STRONGEST = "isolated" if available("isolated") else "confined"

Seen = dict[str, list[Sign]]


@functools.cache
def in_sandbox(level: str, user: str) -> Seen | jail.Unavailable:
    if not available(level):
        return jail.Unavailable(f"this machine does not offer the level {level!r}")
    try:
        return jail.in_sandbox(level, (), ordinary=user == "user")
    except jail.Unavailable as error:
        return error


@functools.cache
def in_jail(way: str) -> Seen | jail.Unavailable:
    try:
        return jail.in_jail(way, ())
    except jail.Unavailable as error:
        return error


def known(seen: Seen | jail.Unavailable) -> Seen:
    if isinstance(seen, jail.Unavailable):
        pytest.skip(str(seen))
    return seen


def cases() -> list[object]:
    """Every attack at every level as every user; the weaker level is not for every day."""
    found: list[object] = []
    for level in ("isolated", "confined"):
        for user in ("root", "user"):
            for attack in ATTACKS:
                marks = [] if level == STRONGEST else [pytest.mark.slow]
                levels, reason = KNOWN.get(attack.name, ((), ""))
                if level in levels:
                    marks.append(pytest.mark.xfail(strict=True, reason=reason))
                name = f"{level}-{user}-{attack.name}"
                found.append(pytest.param(level, user, attack, marks=marks, id=name))
    return found


@pytest.mark.parametrize(("level", "user", "attack"), cases())
def test_an_attack_fails_in_the_sandbox(level: str, user: str, attack: Attack) -> None:
    assert known(in_sandbox(level, user))[attack.name] == [], attack.tries


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_its_control_succeeds_without_protection(attack: Attack) -> None:
    if attack.uncontrolled:
        pytest.skip(attack.uncontrolled)

    assert attack.sign in known(in_jail("bare"))[attack.name], attack.tries


def test_no_forgery_of_an_outcome_is_confirmed_by_a_run_without_tracing() -> None:
    forgeries = [attack for attack in ATTACKS if attack.sign == "forged"]
    with Scene() as scene, Sandbox(ours.PATIENT, STRONGEST, workers=1, confirm=True) as box:
        for attack in forgeries:
            trace = box.trace(
                scene.prelude(ours.frame(), ours.SNAPSHOT) + attack.source, attack.call
            )
            assert ours.told(trace) == [], attack.tries
    assert len(forgeries) >= 20


@pytest.mark.slow
def test_a_guard_inside_the_process_stops_few_of_them() -> None:
    bare, guarded = known(in_jail("bare")), known(in_jail("guarded"))
    succeed = [name for name, seen in guarded.items() if BY_NAME[name].sign in seen]
    assert len(succeed) > len(bare) / 2


def test_each_attack_is_listed_once_and_there_are_enough_of_each_kind() -> None:
    assert len(BY_NAME) == len(ATTACKS) >= 80
    assert all(len(attacks) >= 10 for attacks in KINDS.values())
    assert KNOWN.keys() <= BY_NAME.keys()


def test_controls_refuse_to_run_outside_the_jail() -> None:
    from battery import bare

    with pytest.raises(RuntimeError, match="inside the jail"):
        bare.attempt_all(ATTACKS, guarded=False)
