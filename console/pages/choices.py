"""What is chosen on a page stands in its address, so that it can be sent to somebody as a link."""

from collections.abc import Mapping
from urllib.parse import urlencode

from console.pages.shell import Part


def pills(
    path: str, label: str, key: str, titles: Mapping[str, str], chosen: Mapping[str, str]
) -> None:
    """A link for each of `titles`: to `path` with it as `key` and the rest as `chosen` is."""
    with Part("nav", "line", aria_label=label):
        for value, title in titles.items():
            link = Part("a", "pill choice", title, href=address(path, {**chosen, key: value}))
            if chosen[key] == value:
                link.props["aria-current"] = "true"


def select(title: str, name: str, titles: Mapping[str, str], chosen: str) -> None:
    """A field of a form: one of `titles`."""
    with Part("label", "report-field"):
        Part("span", text=title)
        with Part("select", "field", name=name):
            for value, words in titles.items():
                option = Part("option", text=words, value=value)
                if value == chosen:
                    option.props["selected"] = True


def hidden(name: str, value: str) -> None:
    """What a form sends without showing it."""
    Part("input", type="hidden", name=name, value=value)


def address(path: str, chosen: Mapping[str, str]) -> str:
    """`path` with what is chosen; what is empty is left out."""
    return f"{path}?" + urlencode({key: value for key, value in chosen.items() if value})
