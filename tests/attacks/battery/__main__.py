"""Run the whole battery in one way and print what was seen, as JSON.

python -m battery WAY [KIND ...]      WAY: an isolation level; in the jail also `bare` or `guarded`
"""

from __future__ import annotations

import json
import os
import sys

from battery.catalogue import KINDS


def main() -> None:
    way, *kinds = sys.argv[1:]
    attacks = [attack for kind in kinds or KINDS for attack in KINDS[kind]]
    report = os.fdopen(os.dup(1), "w")  # Whatever happens to the standard streams.
    if way in ("bare", "guarded"):
        from battery import bare

        signs = bare.attempt_all(attacks, way == "guarded")
    else:
        from battery import ours

        signs = ours.attempt_all(attacks, way)
    json.dump(signs, report)
    report.close()


main()
