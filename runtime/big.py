"""Letters that can be read from the other end of a bay."""

from collections.abc import Iterable

ROWS = 5
WIDE = "██"
_GLYPHS = (
    "A25755 B65656 C34443 D65556 E74647 F74644 G34553 H55755 I72227 J11152 K55655 L44447 "
    "M57755 N65555 O25552 P65644 Q25563 R65655 S34216 T72222 U55557 V55552 W55775 X55255 "
    "Y55222 Z71247 025552 126227 261247 361216 455711 574616 634652 771222 825252 925316 "
    "-00700 _00007 .00002 /11244 :02020 >42124 ?61202 +02720"
)
FONT = {glyph[0]: glyph[1:] for glyph in _GLYPHS.split()}
"""Five rows of three dots; each row is an octal digit whose highest bit is the left dot."""


def big(text: str, width: int, scale: int = 1) -> str:
    """`text` in letters of five rows times `scale`, or as it is where these are wider than `width`.

    >>> print(big("1", 80))
      ██
    ████
      ██
      ██
    ██████
    """
    glyphs = [FONT.get(letter, FONT["?"]) for letter in text.upper() if letter != " "]
    if not glyphs or len(glyphs) * 8 * scale > width:
        return text
    rows = (" ".join(f"{int(glyph[row]):03b}" for glyph in glyphs) for row in range(ROWS))
    return "\n".join(dotted(rows, scale))


def dotted(rows: Iterable[str], scale: int = 1) -> list[str]:
    """A picture whose dots are 1 in `rows`, each as wide as it is high on most screens.

    >>> dotted(["101"])
    ['██  ██']
    """
    lines = []
    for row in rows:
        line = "".join((WIDE if dot == "1" else "  ") * scale for dot in row).rstrip()
        lines += [line] * scale
    return lines
