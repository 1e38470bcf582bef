"""The renderer behind ``callcab.lib.pdf``, apart from it because of its weight."""

from io import BytesIO
from pathlib import Path
from typing import Any

from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.fonts import addMapping
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import getAscentDescent, stringWidth
from reportlab.pdfbase.ttfonts import TTFont, TTFontFile
from reportlab.platypus.doctemplate import LayoutError
from reportlab.platypus.flowables import KeepInFrame
from xhtml2pdf import parser, pisa
from xhtml2pdf.bidi import needs_bidi
from xhtml2pdf.config.resources import RenderLimitError, ResourceAccessPolicy
from xhtml2pdf.default import DEFAULT_FONT
from xhtml2pdf.tables import pisaTagTD
from xhtml2pdf.xhtml2pdf_reportlab import PmlParagraph

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


class _Line(PmlParagraph):  # type: ignore[misc]  # The renderer has no types.
    """Words that fit into one line are drawn as one string, at the same place; others as the renderer does.

    To break sums and units into lines and to draw these piece by piece was a tenth of what an invoice took.
    """

    def wrap(self, width: float, height: float) -> Any:
        piece = self.frags[0]
        self.text = "".join(part.text for part in self.frags)
        self.fits = (
            stringWidth(self.text, piece.fontName, piece.fontSize) <= width
            and not any(hasattr(part, "lineBreak") for part in self.frags)
            and not needs_bidi(self.text)
        )
        if not self.fits:
            return super().wrap(width, height)
        self.ascent, descent = getAscentDescent(piece.fontName, piece.fontSize)
        leading = self.style.leading
        self.width, self.height = width, max(leading * 5 / 6, self.ascent) + max(leading / 6, -descent)
        return self.width, self.height

    def split(self, width: float, height: float) -> Any:
        super().wrap(width, height)
        return super().split(width, height)

    def draw(self) -> None:
        if not self.fits:
            super().draw()
            return
        piece, canvas = self.frags[0], self.canv
        canvas.setFillColor(piece.textColor)
        canvas.setFont(piece.fontName, piece.fontSize)
        write, share = {
            TA_RIGHT: (canvas.drawRightString, 1),
            TA_CENTER: (canvas.drawCentredString, 0.5),
        }.get(self.style.alignment, (canvas.drawString, 0))
        write(share * self.width, self.height - self.ascent, self.text)


class _Cell(pisaTagTD):  # type: ignore[misc]
    """A cell that holds a few words and nothing else is these words.

    The renderer puts each cell into a frame that shrinks what is wider than the cell or higher than the page: the
    words are measured three times and the page's frame is copied twice. They break anywhere, so few can be neither.
    """

    def end(self, c: Any) -> None:
        super().end(c)
        row = c.tableData.data[-1]
        if isinstance(row[-1], KeepInFrame) and all(map(_few_words, self.node.childNodes)):
            row[-1] = row[-1]._content
            for words in row[-1]:
                words.__class__ = _Line


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
