"""A page that is followed word by word: what it has one type, do, and see, in its order.

```sh
# gateway, pi-1                 who types it; `by hand`: nobody but a person;
                                `gateway, bookworm alone`: on that release
sudo lotkeeper ...
```
```text
what is to be seen then ...     three dots stand for anything
```
**Park a car in A1.**           a sentence in bold is to be done
"""

import re
from dataclasses import dataclass
from pathlib import Path

BY_HAND, ALONE = "by hand", " alone"
PART = re.compile(
    r"^```sh\n# (?P<who>.*)\n(?P<typed>(?s:.*?))^```\n(?:\n?^```text\n(?P<seen>(?s:.*?))^```\n)?"
    r"|^```(?P<other>\w*)\n(?s:.*?)^```\n"
    r"|\*\*(?P<done>[^*]+)\.\*\*",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Step:
    """Something typed at some machines, with what is to be seen, or something done."""

    line: int
    who: tuple[str, ...] = ()
    typed: str = ""
    seen: str = ""
    done: str = ""

    @property
    def machines(self) -> list[str]:
        """Who types it."""
        return [name for name in self.who if not name.endswith(ALONE)]

    def is_for(self, suite: str) -> bool:
        """Whether a release is meant."""
        alone = [name.removesuffix(ALONE) for name in self.who if name.endswith(ALONE)]
        return not alone or suite in alone

    @property
    def by_hand(self) -> bool:
        """Whether it is for a person alone."""
        return bool(self.who) and self.who[0].startswith(BY_HAND)

    def __str__(self) -> str:
        what = self.done or f"{self.who[0]}: {self.typed.partition(chr(10))[0]}"
        return f"{self.line} {what[:60]}"

    def is_seen_in(self, said: str) -> bool:
        """Whether what was said has what the page shows; the width of gaps does not count."""
        words = [re.escape(word) for word in self.seen.split()]
        pattern = re.sub(r" ?\\\.\\\.\\\. ?", ".*?", " ".join(words))
        return re.search(pattern, " ".join(said.split())) is not None


def steps(page: Path) -> list[Step]:
    """All of a page. Raises ValueError at a block of commands that names no machine."""
    text = page.read_text()
    found = []
    for part in PART.finditer(text):
        line = text.count("\n", 0, part.start()) + 1
        if part["who"]:
            who = tuple(part["who"].split(", "))
            found.append(Step(line, who, part["typed"], part["seen"] or ""))
        elif part["done"]:
            found.append(Step(line, done=" ".join(part["done"].split())))
        elif part["other"] == "sh":
            raise ValueError(f"{page.name}:{line}: the first line names no machine: # gateway")
    return found
