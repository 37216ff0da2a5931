"""A sheet of paper: what of fpdf2 the portal's papers need."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from fpdf import FPDF, FontFace
from fpdf.enums import Align, TableBordersLayout, WrapMode, XPos, YPos

from accounts.papers import font_file

if TYPE_CHECKING:
    from accounts.papers import Section

FONT = "Noto"
INK, SOFT, BRAND, LINE, SUNK = (18, 32, 28), (71, 88, 79), (10, 102, 85), (211, 220, 215), (234, 239, 236)


class Sheet(FPDF):
    """A4 with one font, a footer with page numbers, and the few shapes that a paper is made of."""

    def __init__(self, *, title: str, footer: str, language: str, made_at: datetime) -> None:
        super().__init__(format="A4", unit="mm")
        self.footer_words = footer
        self.set_title(title)
        self.set_lang(language)
        self.set_creator("lendportal")
        self.set_creation_date(made_at)
        self.add_font(FONT, fname=str(font_file()))
        self.set_margins(18, 18, 18)
        self.set_auto_page_break(auto=True, margin=20)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-14)
        self._type(7.5, SOFT)
        self.cell(0, 5, f"{self.footer_words}   {self.page_no()} / {{nb}}", align=Align.C)

    def _type(self, size: float, colour: tuple[int, int, int] = INK) -> None:
        self.set_font(FONT, size=size)
        self.set_text_color(*colour)

    def _lines(self, text: str, height: float) -> None:
        self.multi_cell(
            0, height, text, align=Align.L, wrapmode=WrapMode.CHAR if _is_chinese(text) else WrapMode.WORD,
            new_x=XPos.LMARGIN, new_y=YPos.NEXT,
        )  # fmt: skip

    def heading(self, title: str, subtitle: str) -> None:
        self._type(9, BRAND)
        self._lines("lendportal", 5)
        self._type(18)
        self._lines(title, 9)
        self._type(9, SOFT)
        self._lines(subtitle, 5)
        self.ln(3)

    def title_of_part(self, text: str) -> None:
        self.ln(2)
        self._type(12)
        self._lines(text, 7)

    def paragraph(self, text: str) -> None:
        self._type(9.5)
        self._lines(text, 5.2)
        self.ln(1)

    def small(self, text: str) -> None:
        self._type(8, SOFT)
        self._lines(text, 4.4)

    def pairs(self, pairs: tuple[tuple[str, str], ...]) -> None:
        self._type(9.5)
        self.set_draw_color(*LINE)
        with self.table(
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            first_row_as_headings=False,
            col_widths=(42, 58),
            text_align=(Align.L, Align.R),
            line_height=6,
            wrapmode=WrapMode.CHAR,
        ) as table:
            for name, value in pairs:
                row = table.row()
                row.cell(name, style=FontFace(color=SOFT))
                row.cell(value)
        self.ln(2)

    def table_of(self, section: Section) -> None:
        self._type(8.5)
        self.set_draw_color(*LINE)
        aligns = tuple(
            Align.R if place in section.numeric else Align.L for place in range(len(section.rows[0]))
        )
        with self.table(
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=FontFace(fill_color=SUNK, color=SOFT),
            col_widths=section.widths or None,
            text_align=aligns,
            line_height=5.5,
            wrapmode=WrapMode.CHAR,
            num_heading_rows=1 if section.head else 0,
            first_row_as_headings=bool(section.head),
        ) as table:
            for cells in filter(None, (section.head, *section.rows, section.foot)):
                row = table.row()
                for cell in cells:
                    row.cell(cell)
        self.ln(2)

    def output_bytes(self) -> bytes:
        return bytes(self.output())


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)
