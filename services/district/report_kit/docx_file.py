"""A page as DOCX that people go on writing in: real headings, tables and pictures. Same data, same bytes."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import Any, Final

import docx
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Emu, Pt, RGBColor

from services.district.report_kit.typesetting import pictures_of

_COLOURS: Final = {"good": "1A7F4B", "bad": "C2321F", "warn": "A66300", "quiet": "5B6672"}
_LATIN: Final = "Calibri"
_CHINESE: Final = "Microsoft YaHei"
"""What offices have; a reader without it takes its own."""
_SIZES: Final = {"Title": 20.0, "Heading 1": 15.0, "Heading 2": 12.0, "Heading 3": 10.5, "Normal": 10.5}
_WIDTH: Final = Cm(17.0)
_EPOCH: Final = datetime(1980, 1, 1, tzinfo=UTC)
"""The first moment that a zip knows: nothing says when the file was made."""


def docx_of(page: dict[str, Any]) -> bytes:
    """A page as DOCX.

    Args:
        page: See `one_language.in_language`.
    """
    made = docx.Document()
    _set_up(made, page)
    made.add_heading(page["title"], 0)
    for said in page["under"]:
        _coloured(made.add_paragraph().add_run(said), "quiet")
    if page["tiles"]:
        tiles = page["tiles"]
        heads = [{"words": tile["name"], "number": False} for tile in tiles]
        _table(made, heads, [[{"words": tile["value"], "mood": tile["mood"]} for tile in tiles]], [1] * len(tiles))
    drawings = [chart["svg"] for part in page["parts"] for chart in part["charts"]]
    pictures = iter(pictures_of(drawings))
    for part in page["parts"]:
        made.add_heading(part["title"], part["level"] - 1)
        for said in part["text"]:
            made.add_paragraph(said)
        for chart in part["charts"]:
            _picture(made, next(pictures), chart["about"])
        if part["heads"]:
            _table(made, part["heads"], part["rows"], part["widths"])
    out = io.BytesIO()
    made.save(out)
    return _without_times(out.getvalue())


def _set_up(made: Any, page: dict[str, Any]) -> None:
    section = made.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.0)
    section.top_margin = section.bottom_margin = Cm(2.0)
    for name, size in _SIZES.items():
        style = made.styles[name]
        style.font.name = _LATIN
        style.font.size = Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for old in [key for key in fonts.keys() if key.endswith("Theme")]:  # noqa: SIM118 - lxml's elements have no items by key
            del fonts.attrib[old]
        fonts.set(qn("w:eastAsia"), _CHINESE)
        fonts.set(qn("w:hAnsi"), _LATIN)
        if name != "Normal":
            style.font.color.rgb = RGBColor(0x1C, 0x25, 0x30)
    normal = made.styles["Normal"].paragraph_format
    normal.space_after, normal.line_spacing = Pt(4), 1.15
    about = made.core_properties
    about.title, about.author, about.comments, about.language = page["title"], "", "", _language(page)
    about.created = about.modified = _EPOCH.replace(tzinfo=None)
    about.last_modified_by, about.revision = "", 1
    _page_number(section.footer.paragraphs[0])


def _language(page: dict[str, Any]) -> str:
    return "zh-CN" if page["language"] == "zh" else "en-GB"


def _page_number(paragraph: Any) -> None:
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)  # noqa: SLF001 - python-docx has no fields


def _picture(made: Any, png: bytes, about: str) -> None:
    shape = made.add_picture(io.BytesIO(png), width=_WIDTH)
    shape._inline.docPr.set("descr", about)  # noqa: SLF001 - python-docx has no texts for who cannot see it


def _table(made: Any, heads: list[dict[str, Any]], rows: list[list[dict[str, Any]]], widths: list[int]) -> None:
    table = made.add_table(rows=1, cols=len(heads), style="Table Grid")
    table.autofit = False
    columns = [Emu(_WIDTH * width // sum(widths)) for width in widths]
    for column, width in zip(table.columns, columns, strict=True):
        column.width = width
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for cell, head, width in zip(table.rows[0].cells, heads, columns, strict=True):
        cell.width = width
        _fill(cell, head["words"], "quiet", number=head["number"])
    repeats = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(repeats)  # noqa: SLF001 - python-docx has no heads that repeat
    for row in rows:
        line = table.add_row()
        line._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 - as above
        for cell, told, head, width in zip(line.cells, row, heads, columns, strict=True):
            cell.width = width
            _fill(cell, told["words"], told["mood"], number=head["number"])
    made.add_paragraph().paragraph_format.space_after = Pt(2)


def _fill(cell: Any, words: str, mood: str, *, number: bool) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    if number:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    run = paragraph.add_run(words)
    run.font.size = Pt(9)
    _coloured(run, mood)


def _coloured(run: Any, mood: str) -> None:
    if mood in _COLOURS:
        run.font.color.rgb = RGBColor.from_string(_COLOURS[mood])


def _without_times(made: bytes) -> bytes:
    """The same file with every part's time that of `_EPOCH`, and nothing of the machine that made it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as told, zipfile.ZipFile(out, "w") as written:
        for name in told.namelist():
            part = zipfile.ZipInfo(name, date_time=_EPOCH.timetuple()[:6])
            part.compress_type = zipfile.ZIP_DEFLATED
            part.create_system = 3
            written.writestr(part, told.read(name), compresslevel=9)
    return out.getvalue()
