"""The renderer behind ``callcab.lib.pdf``, apart from it because of its weight."""

from io import BytesIO
from pathlib import Path
from typing import Any

from reportlab.lib.fonts import addMapping
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont, TTFontFile
from reportlab.platypus.doctemplate import LayoutError
from reportlab.platypus.flowables import KeepInFrame
from xhtml2pdf import parser, pisa
from xhtml2pdf.config.resources import RenderLimitError, ResourceAccessPolicy
from xhtml2pdf.default import DEFAULT_FONT
from xhtml2pdf.tables import pisaTagTD

from callcab.lib.pdf import FACES, FONTS, PdfError

RENDER_SECONDS = 20
# Letters that are not as high as a page in the narrowest column of our documents.
FEW = 200
# What elements are before any style of a document. The renderer's own sheet is ten times as long, and each rule is
# parsed for each document and tried on each element.
BASE_CSS = """
html {
  font-family: Helvetica; font-size: 8.5pt; line-height: 1.3; vertical-align: top; overflow-wrap: break-word;
}
body, div, h1, h2, p, table, td, th { display: block; }
b, h1, h2, th { font-weight: bold; }
"""


def _use_our_fonts() -> None:
    """Name our faces once: a document that names them itself has both files read, hashed and looked through."""
    for face, bold in zip(FACES, (0, 1), strict=True):
        name = "DejaVu-Bold" if bold else "DejaVu"
        pdfmetrics.registerFont(TTFont(name, str(FONTS / face)))
        for slanted in (0, 1):
            addMapping("DejaVu", bold, slanted, name)
    DEFAULT_FONT["dejavu"] = "DejaVu"


_use_our_fonts()


class _Cell(pisaTagTD):  # type: ignore[misc]  # The renderer has no types.
    """A cell that holds a few words and nothing else is these words.

    The renderer puts each cell into a frame that shrinks what is wider than the cell or higher than the page: the
    words are measured three times and the page's frame is copied twice. They break anywhere, so few can be neither.
    """

    def end(self, c: Any) -> None:
        super().end(c)
        row = c.tableData.data[-1]
        if isinstance(row[-1], KeepInFrame) and all(map(_few_words, self.node.childNodes)):
            row[-1] = row[-1]._content


def _few_words(node: Any) -> bool:
    return node.nodeType == node.TEXT_NODE and len(node.data) <= FEW


parser.pisaTagTD = parser.pisaTagTH = _Cell


def draw(html: str, base_dir: Path) -> bytes:
    """As ``callcab.lib.pdf.render_pdf``."""
    policy = ResourceAccessPolicy.server(base_dir, allow_remote=False, max_render_seconds=RENDER_SECONDS)
    out = BytesIO()
    try:
        result = pisa.CreatePDF(
            html,
            dest=out,
            path=str(base_dir / "document.html"),
            default_css=BASE_CSS,
            encoding="utf-8",
            resource_policy=policy,
        )
    except RenderLimitError as error:
        raise PdfError("limit", (str(error),)) from error
    except LayoutError as error:
        raise PdfError("layout", (str(error)[:500],)) from error
    if result.err or result.warn:
        raise PdfError("warnings", tuple(dict.fromkeys(str(entry[2])[:500] for entry in result.log)))
    return out.getvalue()


def characters(font: Path) -> set[int]:
    """The code points that a font has."""
    return set(TTFontFile(str(font)).charToGlyph)
