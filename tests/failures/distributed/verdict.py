"""What a look at a house at rest found: what was judged, how often, and what was wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Verdict:
    """Sentences, one for each thing that is wrong, and how often each invariant was judged."""

    wrong: list[str] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)

    def judge(self, invariants: str, trials: int, found: Sequence[str]) -> None:
        """Note what one checker found, and how many things it judged these invariants by."""
        self.wrong += found
        for each in invariants.split():
            self.checks[each] += trials
