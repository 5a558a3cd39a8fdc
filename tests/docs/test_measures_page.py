"""The page's example prints what the page says."""

import contextlib
import io
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "measures.md").read_text()


def test_the_example_prints_what_is_shown() -> None:
    ((code, shown),) = re.findall(r"```python\n(.*?)```\n\n    (.*?)\n", PAGE, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/measures.md", "exec"), {})
    assert printed.getvalue().strip() == shown
