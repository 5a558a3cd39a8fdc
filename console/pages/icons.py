"""The icons, as strokes on a square of 24: no font to wait for, and none from elsewhere."""

from html import escape

STROKES = {
    "brand": "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z"
    "M9.5 17V7h3.25a3.25 3.25 0 0 1 0 6.5H9.5",
    "lot": "M4 4h16v16H4zM12 4v16M4 12h4M16 12h4",
    "fleet": "M3 4h7v7H3zM14 4h7v7h-7zM3 15h7v6H3zM14 15h7v6h-7z",
    "table": "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
    "bell": "M6 16V11a6 6 0 1 1 12 0v5l2 2H4zM10 21h4",
    "chip": "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
    "report": "M6 3h9l4 4v14H6zM14 3v5h5M9 17v-3M12 17v-6M15 17v-4",
    "settings": "M4 7h9M17 7h3M4 17h3M11 17h9M15 4v6M9 14v6",
    "gate": "M5 21V9h4v12M9 12 21 7M3 21h8",
    "forecast": "M4 19h16M4 15l5-5 4 3 7-8M16 5h4v4",
    "theme": "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
    "leave": "M14 4h5v16h-5M4 12h11M11 8l4 4-4 4",
    "screen": "M3 5h18v11H3zM9 20h6M12 16v4",
    "close": "M6 6l12 12M18 6 6 18",
}


def svg(name: str) -> str:
    """The icon `name`; hidden from screen readers, since words stand beside it."""
    return (
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        f'<path d="{escape(STROKES[name])}"/></svg>'
    )
