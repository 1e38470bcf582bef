"""The renderer behind ``callcab.lib.pdf``, apart from it because of its weight."""

from io import BytesIO
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFontFile
from reportlab.platypus.doctemplate import LayoutError
from xhtml2pdf import pisa
from xhtml2pdf.config.resources import RenderLimitError, ResourceAccessPolicy

from callcab.lib.pdf import PdfError

RENDER_SECONDS = 20


def draw(html: str, base_dir: Path) -> bytes:
    """As ``callcab.lib.pdf.render_pdf``."""
    policy = ResourceAccessPolicy.server(base_dir, allow_remote=False, max_render_seconds=RENDER_SECONDS)
    out = BytesIO()
    try:
        result = pisa.CreatePDF(
            html, dest=out, path=str(base_dir / "document.html"), encoding="utf-8", resource_policy=policy
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
