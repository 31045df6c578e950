"""What becomes of each case, as recorded, and the table of it for docs/faults.md.

``scripts/faults`` performs all cases and records them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from salesforce_bulk.emulator import LocalOrg

from .matrix import Case, cases, judge
from .verbs import VERBS

RECORDED: Final = Path(__file__).parent / "outcomes.json"
DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "faults.md"

#: (verb, request, how) -> fault -> outcome
Outcomes = Mapping[tuple[str, str, str], Mapping[str, str]]

_HOW: Final = {
    "once": "Once",
    "for good": "Each time (requests that read)",
    "applied": "Once, and the org had acted on the request",
}
_NOWHERE: Final = "–"
_HEAD: Final = """\
# Every fault at every request

<!-- Drawn by scripts/faults. -->

Whatever befalls a request, a call ends in one of two ways. It returns, and everything is right: the rows that were read are those
of the org, each once, in its order; after a load the org holds what the outcomes say, nothing twice. Or it ends with one of our
errors: what the error says is true, there is no file under the name of an output, no thread goes on, and going on from there
(`sf.resume(run_id)`, or the same call where no run had begun) comes to right. There is no third way.

The tables are the record of the tests in `tests/faults/`, which perform each case against the local org: `scripts/test --faults`.
**right** is the first way. The name of an error is the second. – is where the fault cannot occur, or found nothing to spoil. After
`JobFailed` and `JobAborted`, which say of each row whether it was applied, a resume says the same again: the org gave up on these
rows, and what is to become of those that it did not try is for the caller to decide. `ingest2.job`, `query2.job`, `bulk1.batch` and
`collections.save` are no requests but what the org does by itself. Tries were set to three, the time without a byte to half a
second. What each fault is stands at `local_org.faults.plan`.

Results of a load that came damaged, or that do not add up with the job's counters, are asked for once more, and so is the job, before
that is an error. When the answer to an upsert by REST is lost the call is made again, and of a record that it finds nobody knows
whether the first one made it: its outcome says `created=None`.
"""


def load() -> Outcomes:
    recorded: dict[tuple[str, str, str], dict[str, str]] = {}
    for verb, requests in json.loads(RECORDED.read_text("utf-8")).items():
        for request, hows in requests.items():
            for how, outcomes in hows.items():
                recorded[verb, request, how] = {fault: word for word, faults in outcomes.items() for fault in faults}
    return recorded


def save(done: Iterable[tuple[Case, str]]) -> None:
    """As verb -> request -> how -> outcome -> faults."""
    tree: dict[str, dict[str, dict[str, dict[str, list[str]]]]] = {}
    for case, word in done:
        hows = tree.setdefault(case.verb, {}).setdefault(case.request, {})
        hows.setdefault(case.how, {}).setdefault(word, []).append(case.fault)
    RECORDED.write_text(json.dumps(tree, indent=1) + "\n", "utf-8")


def document(outcomes: Outcomes) -> str:
    return "\n".join([_HEAD, *(line for verb in VERBS for line in _of_verb(verb, outcomes))])


def _of_verb(verb: str, outcomes: Outcomes) -> list[str]:
    lines = [f"## {verb[0].upper()}{verb[1:]}", ""]
    for how, title in _HOW.items():
        requests = [request for (name, request, which) in outcomes if (name, which) == (verb, how)]
        if not requests:
            continue
        rows: dict[tuple[str, ...], list[str]] = {}
        for fault in dict.fromkeys(fault for request in requests for fault in outcomes[verb, request, how]):
            cells = tuple(_cell(outcomes[verb, request, how].get(fault)) for request in requests)
            rows.setdefault(cells, []).append(f"`{fault}`")
        lines += [
            f"### {title}",
            "",
            f"| fault | {' | '.join(f'`{request}`' for request in requests)} |",
            f"|---|{'---|' * len(requests)}",
            *(f"| {', '.join(faults)} | {' | '.join(cells)} |" for cells, faults in rows.items()),
            "",
        ]
    return lines


def _cell(word: str | None) -> str:
    if word in (None, "not met"):
        return _NOWHERE
    return "right" if word == "right" else f"`{word}`"


def record() -> None:
    """Perform all cases, write down what became of them, and draw the table."""
    done = []
    with TemporaryDirectory() as folder, LocalOrg() as org:
        os.environ["SFBULK_HOME"] = str(Path(folder) / "home")
        for number, case in enumerate(cases()):
            print(case, file=sys.stderr)
            done.append((case, judge(case, org, Path(folder) / str(number))))
            org.reset()
    save(done)
    DOCUMENT.write_text(document(load()), "utf-8")


if __name__ == "__main__":
    record()
