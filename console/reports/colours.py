"""The colours of reports, the same on paper, in sheets and on the page."""

INK = "#141a24"
PAPER = "#ffffff"
QUIET = "#566172"
BAND = "#f3f5f9"
RULE = "#dfe4ec"
SERIES = ("#2f5bea", "#c2700f", "#0b7a53", "#8a4fb8")
LIMIT = "#b3261e"
