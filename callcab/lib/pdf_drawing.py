"""The renderer behind ``callcab.lib.pdf``, apart from it because of its weight."""

from io import BytesIO
from pathlib import Path

from reportlab.lib.fonts import addMapping
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont, TTFontFile
from reportlab.platypus.doctemplate import LayoutError
from xhtml2pdf import pisa
from xhtml2pdf.config.resources import RenderLimitError, ResourceAccessPolicy
from xhtml2pdf.default import DEFAULT_FONT

from callcab.lib.pdf import FACES, FONTS, PdfError

RENDER_SECONDS = 20
# What elements are before any style of a document. The renderer's own sheet is ten times as long, and each rule is
# parsed for each document and tried on each element.
BASE_CSS = """
html {
  font-family: Helvetica; font-size: 8.5pt; font-weight: normal; line-height: 1.3; color: #000; margin: 0; padding: 0;
  border: 1px none; display: inline; width: auto; height: auto; white-space: normal;
}
body, div, h1, h2, p, table, tr, td, th { display: block; }
b, h1, h2, th { font-weight: bold; }
h1, h2 { -pdf-outline: true; -pdf-outline-open: false; -pdf-outline-level: 0; }
h2 { -pdf-outline-level: 1; }
table { width: 100%; }
td, th { vertical-align: top; width: auto; }
td, th, p, h1 { overflow-wrap: break-word; }
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
