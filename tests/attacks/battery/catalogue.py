"""All attacks."""

from __future__ import annotations

from battery import exhaustion, files, forgery, network, poisoning, processes, survival
from battery.attack import Attack

KINDS: dict[str, tuple[Attack, ...]] = {
    module.__name__.rpartition(".")[2]: module.ATTACKS
    for module in (files, network, processes, exhaustion, survival, forgery, poisoning)
}
ATTACKS = tuple(attack for kind in KINDS.values() for attack in kind)
BY_NAME = {attack.name: attack for attack in ATTACKS}
