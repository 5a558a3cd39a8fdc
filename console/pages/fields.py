"""Fields of a form that the page itself reads: their words are kept here as they are typed."""

from collections.abc import Mapping

from nicegui import ui
from nicegui.events import GenericEventArguments

from console.pages.shell import Part


class Field:
    """A labelled input, text area or choice; `words` is what stands in it."""

    def __init__(
        self,
        label: str,
        name: str,
        *,
        tag: str = "input",
        choices: Mapping[str, str] | None = None,
        words: str = "",
        **attributes: str,
    ) -> None:
        self.words = words
        self.name = name
        with Part("div", "labelled"):
            Part("label", text=label, for_=name)
            tag = "select" if choices else tag
            self.part = Part(tag, "field", id=name, **attributes)
            if not choices:
                self.part.props["value"] = words
            with self.part:
                for value, title in (choices or {}).items():
                    option = Part("option", text=title, value=value)
                    if value == words:
                        option.props["selected"] = True
        self.part.on("input", self._typed, js_handler="(e) => emit(e.target.value)")

    def clear(self) -> None:
        """Nothing stands in it any more."""
        self.words = ""
        ui.run_javascript(f"document.getElementById('{self.name}').value = ''")

    def _typed(self, event: GenericEventArguments) -> None:
        self.words = str(event.args)
